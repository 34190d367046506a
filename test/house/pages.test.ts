// A method's page follows one template, and what it shows runs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { filesUnder, ROOT } from "./imports.ts";
import { OTHER_PAGES } from "./methods.ts";

const SECTIONS = ["Idea", "Formula", "Use", "Claim and verdict", "Cost", "Tested"];

const pages = filesUnder("docs/methods", ".md").map((file) => ({
  file,
  name: (file.split("/").at(-1) ?? "").replace(/\.md$/, ""),
  text: readFileSync(join(ROOT, file), "utf8"),
}));
const ours = pages.filter(({ name }) => !OTHER_PAGES.includes(name));

mkdirSync(join(ROOT, ".cache"), { recursive: true });
const folder = mkdtempSync(join(ROOT, ".cache/pages-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The text between a heading and the next. */
function section(text: string, name: string): string {
  return text.split(`\n## ${name}\n`)[1]?.split("\n## ")[0] ?? "";
}

test("pictures and pages that pages lead to are there", () => {
  const dead = pages.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\(([^)#:]+)\)/g)]
      .map(([, to]) => join("docs/methods", to ?? ""))
      .filter((to) => !existsSync(join(ROOT, to)))
      .map((to) => `${file} → ${to}`),
  );
  expect(dead).toEqual([]);
});

test("docs/methods.md leads to every page", () => {
  const index = readFileSync(join(ROOT, "docs/methods.md"), "utf8");
  const led = [...index.matchAll(/\]\(methods\/([\w-]+)\.md\)/g)].map(([, name]) => name ?? "");
  expect(led.sort()).toEqual(pages.map(({ name }) => name).sort());
});

describe.each(ours)("$name", ({ name, text }) => {
  test("has its sections in order, each with words, and a picture of its idea with a name", () => {
    expect([...text.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading)).toEqual(SECTIONS);
    for (const heading of SECTIONS) expect(section(text, heading).trim(), heading).not.toBe("");
    expect(section(text, "Idea")).toMatch(/!\[[^\]]+\]\([\w-]+\.svg\)/);
    expect(section(text, "Idea")).toMatch(/<https:\/\//);
  });

  test("what it shows runs", async () => {
    const blocks = [...section(text, "Use").matchAll(/```ts\n([^]*?)```/g)].map(([, code]) => code ?? "");
    expect(blocks.length).toBeGreaterThan(0);
    const said = vi.spyOn(console, "log").mockReturnValue(undefined);
    for (const [i, code] of blocks.entries()) {
      const file = join(folder, `${name}-${i}.ts`);
      writeFileSync(file, code);
      await import(/* @vite-ignore */ pathToFileURL(file).href);
    }
    // Each block shows something of what it made, and it is there.
    expect(said.mock.calls.length).toBeGreaterThanOrEqual(blocks.length);
    for (const value of said.mock.calls.flat()) expect(value === null || Number.isNaN(value)).toBe(false);
    said.mockRestore();
  });
});
