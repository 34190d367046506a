#!/usr/bin/env node
// The command line's first file: keeps compiled code for the next start, then loads the rest.
import { enableCompileCache } from "node:module";

enableCompileCache();
const { run } = await import("./program.ts");
await run();
