#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The test of killed couriers, a thousand times over: no invocation counter twice.
KILLS=${KILLS:-1000} exec "$(dirname "$0")/../system/442-p3-dlms-kills"
