// Whatever matters is written to a temporary name, flushed, then renamed: a kill at any moment leaves
// either the old file or the new one, never half of each.
import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { Chunks } from "../folder.ts";

/**
 * Writes `content` to `path` atomically: temporary file beside it, `fsync`, rename, `fsync` of the folder.
 * On any error (a full disk, say) the temporary file is removed, the old file survives, and the error is
 * rethrown.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array | Chunks): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`;
  try {
    const file = await open(temporary, "wx");
    try {
      const chunks = typeof content === "string" || content instanceof Uint8Array ? [content] : content;
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Flushes the names in `folder`. Windows opens no folders and writes its names down by itself. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
