// The built page in a real browser, over a small collection.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page, type Request } from "playwright";
import { openStore } from "../../src/papers/node/index.ts";
import { createPapersServer } from "../../src/server/papers.ts";
import { fixturePapers } from "../server/fixture.ts";

const places: readonly string[] = [
  process.env["ATHANOR_CHROMIUM"] ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];

/** Where a browser is; `undefined` on machines without one. */
export const browserPath: string | undefined = places.find((path) => path !== "" && existsSync(path));

/** The end of a skipped suite's name. */
export const unlessBrowser: string =
  browserPath === undefined ? " (skipped: no Chromium; install it or name it in ATHANOR_CHROMIUM)" : "";

/** One visit: a page with a memory of its own, and what happened on it. */
export interface Visit {
  readonly page: Page;
  /** Every request the page made. */
  readonly requests: readonly Request[];
  /** Errors, and everything the browser refused to do. */
  readonly problems: readonly string[];
  /** Papers as the list shows them. */
  readonly ids: () => Promise<string[]>;
  /** Waits until the list shows exactly these papers, in this order. */
  readonly shows: (ids: readonly string[]) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A server and a browser. */
export interface Stage {
  readonly url: string;
  visit(path: string, options?: BrowserContextOptions): Promise<Visit>;
  close(): Promise<void>;
}

/** Identifiers of the cards, top to bottom. */
async function cardIds(page: Page): Promise<string[]> {
  return await page
    .locator("[data-testid=cards] [data-id]")
    .evaluateAll((cards) => cards.map((card) => card.getAttribute("data-id") ?? ""));
}

async function visit(browser: Browser, address: string, options: BrowserContextOptions): Promise<Visit> {
  const context = await browser.newContext({
    locale: "en-GB",
    viewport: { width: 1440, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const requests: Request[] = [];
  const problems: string[] = [];
  context.on("request", (request) => requests.push(request));
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") problems.push(message.text());
  });
  await page.goto(address);
  await page.locator("#search").waitFor();
  return {
    page,
    requests,
    problems,
    ids: () => cardIds(page),
    shows: async (ids) => {
      const want = ids.join(" ");
      await page.waitForFunction(
        (wanted) =>
          [...document.querySelectorAll("[data-testid=cards] [data-id]")]
            .map((card) => card.getAttribute("data-id"))
            .join(" ") === wanted,
        want,
      );
    },
    close: () => context.close(),
  };
}

/** Builds the page if need be, serves the fixture, starts the browser. */
export async function openStage(): Promise<Stage> {
  const store = await openStore(":memory:");
  await store.add(fixturePapers);
  const server = createPapersServer(store, { say: console.log });
  const url = await server.listen();
  await server.ready();
  const args = ["--no-sandbox", "--disable-background-networking", "--no-first-run"];
  const browser = await chromium.launch({ executablePath: browserPath ?? "", args });
  return {
    url,
    visit: (path, options = {}) => visit(browser, url + path, options),
    async close() {
      await browser.close();
      await server.close();
      await store.close();
    },
  };
}
