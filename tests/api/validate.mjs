// SPDX-License-Identifier: Apache-2.0
// openapi.yaml by a validator of OpenAPI 3.1, and each answer that a running service gave by the
// schema that it has there.
//
//   node validate.mjs openapi.yaml answers.json
//
// answers.json: [{"path": "/v1/...{id}", "method": "get", "status": 200, "type": "...", "body": "..."}]
import fs from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

const [description, answers] = process.argv.slice(2);
const validator = new Validator();
const { valid, errors } = await validator.validate(description);
if (!valid) {
  console.error("openapi.yaml:", JSON.stringify(errors, null, 1));
  process.exit(1);
}

const document = validator.specification;
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(document, "api");
const pointer = (...parts) => "api#/" + parts.map((p) => encodeURIComponent(String(p).replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");

// Where the response stands: itself, or what it refers to.
function place(path, method, status) {
  const response = document.paths[path][method].responses[status];
  if (!response) return null;
  return response.$ref ? response.$ref.slice(2).split("/") : ["paths", path, method, "responses", status];
}

let checked = 0, wrong = 0;
for (const { path, method, status, type, body } of JSON.parse(fs.readFileSync(answers, "utf8"))) {
  const say = (what) => { wrong++; console.error(`${method} ${path} ${status}: ${what}`); };
  const at = place(path, method, status);
  if (!at) { say("not described"); continue; }
  const response = at.reduce((node, part) => node[part], document);
  const media = type.split(";")[0];
  if (!body && !response.content) { checked++; continue; }
  if (!response.content?.[media]) { say(`${media} is not described`); continue; }
  checked++;
  if (!media.endsWith("json") || media.endsWith("ndjson")) continue;
  const check = ajv.compile({ $ref: pointer(...at, "content", media, "schema") });
  if (!check(JSON.parse(body)))
    say(check.errors.slice(0, 3).map((e) => `${e.instancePath} ${e.message} ${JSON.stringify(e.params)}`).join("; "));
}
console.log(`${checked} answers as described, ${wrong} not`);
process.exit(wrong || !checked ? 1 : 0);
