// The report, rendered in Chromium from files: no server, no request, nothing to scroll sideways on a phone.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeFileAtomic } from "../../src/files/node/atomic.ts";
import { entries } from "../../src/lab/index.ts";
import { standings } from "../../src/lab/node/results.ts";
import { PAGES, reportPage } from "../../src/lab/report/page.ts";
import { findChromium } from "../support/chromium.ts";

const executablePath = findChromium();
const all = entries();
const reported = (await standings(all)).map((standing, i) => {
  const entry = all[i];
  if (entry === undefined) throw new Error("no entry");
  return { entry, standing };
});

describe("the page as text", () => {
  test.each(["en", "zh"] as const)(
    "%s: every claim, source, rule and figure that cannot be had stands in it",
    (language) => {
      const page = reportPage(reported, language);
      const plain = page
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&quot;", '"')
        .replaceAll("&amp;", "&");
      for (const { claim, source, rules, beyond = [], name } of all) {
        for (const words of [claim, ...rules.map((rule) => rule.says), ...beyond])
          expect(plain).toContain(words[language]);
        for (const link of source.links) expect(plain).toContain(`href="${link}"`);
        expect(plain).toContain(`athanor lab run ${name} --full`);
      }
      expect(page).not.toMatch(/NaN|undefined|\[object/);
    },
  );

  test("a verdict is shown with date, machine, commit and hours; none without a full run", () => {
    const page = reportPage(reported, "en");
    const articles = page.split("<article ").slice(1);
    expect(articles).toHaveLength(all.length);
    reported.forEach(({ entry, standing }) => {
      const article = articles.find((text) => text.startsWith(`id="${entry.name}"`)) ?? "";
      if (standing.verdict === null) {
        expect(article).toContain("no full run yet");
        expect(article).not.toContain("<img");
      } else {
        expect(article).toContain(`data-verdict="${standing.verdict}"`);
        expect(article).toContain(`Run ${standing.result?.date.slice(0, 10)}`);
        expect(article).toContain(`commit ${standing.result?.commit}`);
        expect(article).toContain(standing.result?.machine.cpu);
      }
    });
  });
});

describe.skipIf(executablePath === undefined)("the page in Chromium", () => {
  let browser: Browser;
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "athanor-report-"));
    for (const language of ["en", "zh"] as const) {
      await writeFileAtomic(join(folder, PAGES[language]), reportPage(reported, language));
    }
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ["--no-sandbox"] });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  /** Opens a page, which asks for nothing beyond itself. */
  async function open(file: string, width: number, colorScheme: "light" | "dark"): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const address = pathToFileURL(join(folder, file)).href;
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url().split("#")[0] ?? ""));
    page.on("pageerror", (error) => asked.push(error.message));
    await page.goto(address);
    expect(asked.filter((one) => one !== address && !one.startsWith("data:"))).toEqual([]);
    return page;
  }

  test("fits a phone and a desk in both languages, light and dark, without faults in accessibility", {
    timeout: 60_000,
  }, async () => {
    const source = axe.source;
    for (const [file, width, scheme] of [
      ["index.html", 360, "dark"],
      ["index.zh.html", 1280, "light"],
    ] as const) {
      const page = await open(file, width, scheme);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      await page.addScriptTag({ content: source });
      const faults = await page.evaluate(async () => {
        const { axe } = globalThis as unknown as {
          axe: { run(): Promise<{ violations: { id: string }[] }> };
        };
        return (await axe.run()).violations.map(({ id }) => id);
      });
      expect(faults).toEqual([]);
      const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const bright = Number(/\d+/.exec(paper)?.[0]) > 128;
      expect(bright).toBe(scheme === "light");
      await page.close();
    }
  });

  test("search, verdicts and the theme's button do what they say", { timeout: 60_000 }, async () => {
    const page = await open("index.html", 1000, "light");
    const shown = () => page.locator("article:visible").evaluateAll((found) => found.map(({ id }) => id));
    expect(await shown()).toEqual(all.map(({ name }) => name));
    await page.fill("#search", "galileo");
    expect(await shown()).toEqual(["brachistochrone"]);
    await page.fill("#search", "no such words");
    expect(await shown()).toEqual([]);
    expect(await page.locator("#nothing").isVisible()).toBe(true);
    await page.fill("#search", "");
    await page.selectOption("#choice", "none");
    expect(await shown()).toEqual(
      reported.filter((r) => r.standing.verdict === null).map((r) => r.entry.name),
    );
    await page.selectOption("#choice", "");
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const before = await paper();
    await page.click("#theme");
    expect(await paper()).not.toBe(before);
    await page.click("#theme");
    expect(await paper()).toBe(before);
    // Pictures are there, drawn and described.
    const pictures = await page.locator("article img").evaluateAll(async (found) => {
      for (const image of found as HTMLImageElement[]) image.loading = "eager";
      await Promise.all((found as HTMLImageElement[]).map((image) => image.decode()));
      return (found as HTMLImageElement[]).map(({ alt, naturalWidth }) => [alt !== "", naturalWidth > 0]);
    });
    expect(pictures.flat().every(Boolean)).toBe(true);
    await page.close();
  });

  test("without scripts it is whole, and its language leads to the other", { timeout: 60_000 }, async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(folder, "index.html")).href);
    expect(await page.locator("article").count()).toBe(all.length);
    expect(await page.locator(".bar").isVisible()).toBe(false);
    await page.click('a[hreflang="zh"]');
    expect(page.url()).toContain("index.zh.html");
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-CN");
    await context.close();
  });
});

test("the command writes both pages", async () => {
  const { define } = await import("../../src/cli/lab/report.ts");
  const { Command } = await import("commander");
  const out = await mkdtemp(join(tmpdir(), "athanor-report-"));
  const command = new Command("report").exitOverride();
  define(command);
  await command.parseAsync(["--out", out], { from: "user" });
  expect(await readFile(join(out, "index.html"), "utf8")).toBe(reportPage(reported, "en"));
  expect(await readFile(join(out, "index.zh.html"), "utf8")).toBe(reportPage(reported, "zh"));
  await rm(out, { recursive: true });
});
