import { openStore } from "../../src/papers/node/index.ts";
import { storeContract } from "./contract.ts";

storeContract("SQLite", () => openStore(":memory:"), { runs: 300 });
