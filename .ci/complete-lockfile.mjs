// Run this after every `npm install`. Two things it does to package-lock.json:
// - `npm install` leaves platform packages out when the registry at hand does not carry them, and `npm ci` then refuses
//   the lockfile: the missing optional entries are added by name, so that it is complete for every platform.
// - npm runs on the machine's Node (20 will do), everything else on the one that the lockfile brings. npm does not know
//   that and would warn of packages that want a newer Node (EBADENGINE): what packages say of their Node goes.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const systems = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const processors = {
  arm: "arm",
  arm64: "arm64",
  ia32: "ia32",
  x64: "x64",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  loong64: "loong64",
  mips64el: "mips64el",
  wasm32: "wasm32",
};
let added = 0;
for (const [place, entry] of Object.entries(lock.packages)) {
  if (place !== "") delete entry.engines;
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] || !/^\d/.test(version)) continue;
    const words = name.split("/").pop().split("-");
    const os = words.filter((w) => systems.includes(w));
    const cpu = words.filter((w) => processors[w]);
    lock.packages[path] = {
      version,
      ...(cpu.length ? { cpu } : {}),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(os.length ? { os } : { os: ["none"] }),
    };
    added++;
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added} optional packages added to package-lock.json`);
