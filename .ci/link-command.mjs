// Puts the command `athanor` where `npx athanor` looks first in a clone; npm does so for every package but the clone's own.
import { chmodSync, existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";

const folder = "node_modules/.bin";
if (existsSync(folder)) {
  if (process.platform === "win32") {
    writeFileSync(`${folder}/athanor.cmd`, '@node "%~dp0\\..\\..\\dist\\cli\\main.js" %*\r\n');
  } else {
    chmodSync("dist/cli/main.js", 0o755);
    rmSync(`${folder}/athanor`, { force: true });
    symlinkSync("../../dist/cli/main.js", `${folder}/athanor`);
  }
}
