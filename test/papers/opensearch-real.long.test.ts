// The contract against real OpenSearch nodes, where Java 17 and Maven are: two nodes, an index in three shards.
import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openSearchStore, openStore } from "../../src/papers/node/index.ts";
import { missingForOpenSearch, type RealNodes, startOpenSearch } from "../opensearch/start.ts";
import { storeContract } from "./contract.ts";
import { nine } from "./sample.ts";

const missing = missingForOpenSearch();
if (missing !== undefined) console.warn(`test/papers: no real OpenSearch, for ${missing}.`);

describe.skipIf(missing !== undefined)(
  `OpenSearch 2.19${missing === undefined ? "" : `: ${missing}`}`,
  () => {
    let nodes: RealNodes;
    let index = "";
    beforeAll(async () => void (nodes = await startOpenSearch(2)), 360_000);
    afterAll(() => nodes?.close());
    const open = () => {
      index = `papers-${randomBytes(6).toString("hex")}`;
      return openSearchStore(nodes.url, { index, shards: 3 });
    };
    const ask = async (method: string, path: string, body?: object): Promise<string> => {
      const headers = { "content-type": "application/json" };
      const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const answer = await fetch(`${nodes.url}/${index}/${path}`, sent);
      expect(answer.status).toBe(200);
      return await answer.text();
    };

    storeContract("two nodes, three shards", open, {
      runs: 40,
      /** The server keeps what was removed for its replicas, half a minute; then a merge takes it out. */
      settle: async () => {
        await ask("PUT", "_settings", { "index.merge.policy.expunge_deletes_allowed": 0 });
        for (let i = 0; i < 120; i++) {
          await ask("POST", "_flush?force=true");
          await ask("POST", "_forcemerge?only_expunge_deletes=true");
          await ask("POST", "_refresh");
          if (!/"deleted":[1-9]/.test(await ask("GET", "_stats/docs"))) return;
          await setTimeout(500);
        }
        throw new Error("test: removed papers must leave the index within a minute");
      },
    });

    it("scores as the embedded store orders, whichever shard a paper lies on", async () => {
      const store = await open();
      const embedded = await openStore(":memory:");
      await store.add(nine);
      await embedded.add(nine);
      for (const text of ["attention", "networks", "neural network", "universe", "learning attention"]) {
        const [there, here] = await Promise.all([store.search({ text }), embedded.search({ text })]);
        expect(there.total, text).toBe(here.total);
        expect(there.hits[0]?.id, text).toBe(here.hits[0]?.id);
      }
      await embedded.close();
      await store.close();
    });
  },
);
