// Reads damaged files for a parent, which ends this process when one takes too long.
import { findFile } from "./find.ts";

process.on("message", (message: { name: string; seed: number }) => {
  findFile(message.name, message.seed).then(
    (failure) => process.send?.({ failure }),
    (error: unknown) => process.send?.({ failure: String(error) }),
  );
});

process.send?.("ready");
