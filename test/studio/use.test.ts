// What readers of such pages run into: going back, a lost line, wrong addresses, small contrast, long lines.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { browserPath, openStage, type Stage, type Visit } from "./browser.ts";

/** The accessibility checker, run in the page. */
function axeSource(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

const axe = axeSource();

describe.skipIf(browserPath === undefined)("the paper page in use", () => {
  let stage: Stage;
  // The first start builds the page.
  beforeAll(async () => void (stage = await openStage()), 180_000);
  afterAll(() => stage?.close());

  async function visit(path: string, options?: Parameters<Stage["visit"]>[1]): Promise<Visit> {
    const opened = await stage.visit(path, options);
    onTestFinished(() => opened.close());
    return opened;
  }

  it("Back shows the place and the papers as they were, and the words of the search", async () => {
    const { page } = await visit("/arxiv?date=all");
    await page.locator("[data-id]").nth(19).waitFor();
    const twelfth = page.locator("[data-id]").nth(12);
    await twelfth.scrollIntoViewIfNeeded();
    const topOf = () => twelfth.evaluate((card) => card.getBoundingClientRect().top);
    expect(await page.evaluate(() => scrollY)).toBeGreaterThan(300);
    const before = await topOf();
    await twelfth.locator("h2 a").evaluate((link) => link instanceof HTMLElement && link.click());
    await page.waitForURL(/\/(?:arxiv|papers)\/[^?]+$/);
    await page.waitForFunction(() => document.querySelectorAll("[data-id]").length === 1);
    await page.goBack();
    await page.locator("[data-id]").nth(12).waitFor();
    await expect.poll(async () => Math.abs((await topOf()) - before)).toBeLessThan(4);
    await page.keyboard.press("/");
    await page.keyboard.type("tactile");
    await page.waitForURL(/query=tactile/);
    await page.goBack();
    await page.waitForURL(/date=all/);
    expect(await page.locator("#search").inputValue()).toBe("");
    await page.goForward();
    await page.waitForURL(/query=tactile/);
    expect(await page.locator("#search").inputValue()).toBe("tactile");
  });

  it("never goes blank while a word is typed, and offers the word that was meant", async () => {
    const { page } = await visit("/");
    for (const text of ["gr", "gra", "gras", "grasp", "graspi", "graspin"]) {
      await page.locator("#search").fill(text);
      await page.locator("h1").getByText(`“${text}”`, { exact: true }).waitFor();
      await page.locator("main[aria-busy=false]").waitFor();
      expect(await page.locator("[data-id]").count(), text).toBeGreaterThan(0);
    }
    // A slip, in the first letter too: what was meant is shown, and said to be that.
    for (const text of ["rgasp", "rgaspin", "atctile"]) {
      await page.locator("#search").fill(text);
      await page.locator("h1").getByText(`“${text}”`, { exact: true }).waitFor();
      await page.locator("main[aria-busy=false]").waitFor();
      expect(await page.locator("[data-id]").count(), text).toBeGreaterThan(0);
      await page.getByText(`Nothing found for “${text}”.`).waitFor();
    }
    await page.locator("#search").fill("tactlie");
    await page.getByRole("link", { name: "tactile", exact: true }).click();
    await page.waitForURL(/query=tactile/);
  });

  it("says once that nothing answers, and no number of results", async () => {
    const { page } = await visit("/");
    await page.locator("[data-id]").first().waitFor();
    await page.route("**/json*", (route) => route.abort());
    await page.locator("#search").fill("robot");
    await page.getByText("The server does not answer.", { exact: false }).waitFor();
    expect(await page.getByText("does not answer", { exact: false }).count()).toBe(1);
    expect(await page.getByTestId("count").count()).toBe(0);
    await page.unroute("**/json*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("[data-id]").first().waitFor();
  });

  it("shows a page for an address that is none, and a frame before anything is loaded", async () => {
    const { page } = await visit("/");
    const answer = await page.goto(`${stage.url}/no/such/page`);
    expect(answer?.status()).toBe(404);
    await page.locator("h1").getByText("No such page").waitFor();
    await page.getByRole("link", { name: "Latest papers" }).click();
    await page.locator("[data-id]").first().waitFor();
    const slow = await visit("/starred");
    await slow.page.route("**/assets/*.js", () => undefined);
    await slow.page.goto(`${stage.url}/arxiv/cs.RO`, { waitUntil: "commit" });
    await slow.page.locator("#frame .frame-bar").waitFor();
  });

  it("counts the categories of the search", async () => {
    const { page } = await visit("/arxiv/search?query=tactile");
    await page.locator("[data-id]").first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll(".categories .count").length > 0);
    const counts = await page.locator(".categories .count").allTextContents();
    const found = Number((await page.getByTestId("count").textContent())?.split(" ")[0]);
    for (const count of counts) expect(Number(count)).toBeLessThanOrEqual(found);
  });

  it.each([1200, 1440, 1920])(
    "puts the columns beside the list at %i pixels, in lines of 75 at most",
    async (width) => {
      const { page } = await visit("/arxiv/2606.90002", { viewport: { width, height: 900 } });
      await page.locator(".abstract").waitFor();
      const [side, list] = await Promise.all([
        page.locator("aside").boundingBox(),
        page.locator("main").boundingBox(),
      ]);
      expect(side?.x ?? 0).toBeGreaterThanOrEqual((list?.x ?? 0) + (list?.width ?? 0) - 1);
      await page.goto(`${stage.url}/arxiv/cs.RO`);
      await page.locator(".abstract").first().waitFor();
      await page.keyboard.press("v");
      await page.keyboard.press("v");
      const longest = await page.evaluate(() => {
        let most = 0;
        for (const node of document.querySelectorAll(".abstract")) {
          const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
          const lines = new Map<number, number>();
          for (let text = walker.nextNode(); text; text = walker.nextNode()) {
            for (let i = 0; i < (text.textContent ?? "").length; i++) {
              const range = document.createRange();
              range.setStart(text, i);
              range.setEnd(text, i + 1);
              const line = Math.round(range.getBoundingClientRect().bottom / 8);
              lines.set(line, (lines.get(line) ?? 0) + 1);
            }
          }
          most = Math.max(most, ...lines.values());
        }
        return most;
      });
      expect(longest).toBeLessThanOrEqual(75);
    },
  );

  it.skipIf(axe === undefined).each([
    ["/arxiv/cs.RO", "light", 1440],
    ["/arxiv/cs.RO", "dark", 1440],
    ["/arxiv/search?query=tactile", "light", 390],
    ["/arxiv/search?query=tactile", "dark", 1200],
    ["/arxiv/2606.90002", "light", 1440],
    ["/starred", "dark", 390],
  ] as const)("axe-core finds nothing: %s, %s, %i", async (path, colorScheme, width) => {
    const { page } = await visit(path, { colorScheme, viewport: { width, height: 900 }, bypassCSP: true });
    await page.locator("main[aria-busy=false]").waitFor();
    await page.waitForTimeout(300);
    await page.evaluate(axe ?? "");
    const found = await page.evaluate(async () => {
      const { axe: checker } = globalThis as unknown as {
        axe: {
          run(
            options: object,
          ): Promise<{ violations: { id: string; nodes: { html: string; failureSummary?: string }[] }[] }>;
        };
      };
      const { violations } = await checker.run({ resultTypes: ["violations"] });
      return violations.flatMap(({ id, nodes }) =>
        nodes
          .slice(0, 4)
          .map(({ html, failureSummary }) => `${id}: ${html.slice(0, 160)} ${failureSummary ?? ""}`),
      );
    });
    expect(found).toEqual([]);
    if (process.env["ATHANOR_SHOTS"])
      await page.screenshot({
        path: `${process.env["ATHANOR_SHOTS"]}/${path.replace(/\W/g, "_")}-${colorScheme}-${width}.png`,
      });
  });
});
