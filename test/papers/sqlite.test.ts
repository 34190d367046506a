import { openStore } from "../../src/papers/index.ts";
import { storeContract } from "./contract.ts";

storeContract("SQLite", () => openStore(":memory:"), 300);
