// What the page must never do: run what stands in a field, or tell anyone what its reader likes.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { browserPath, unlessBrowser, openStage, type Stage } from "./browser.ts";

const studio = join(import.meta.dirname, "../../studio");

describe("the sources of the page", () => {
  const files = readdirSync(join(studio, "src"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /\.(?:svelte|ts|css)$/.test(name),
  );

  it.each(files)("%s makes no markup of text and loads nothing from elsewhere", (name) => {
    const source = readFileSync(join(studio, "src", name), "utf8");
    expect(source).not.toMatch(
      /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
    );
    expect(source).not.toMatch(
      /@import\s+(?:url\()?["']?https?:|src\s*=\s*["']https?:|from\s+["']https?:|url\(["']?https?:/,
    );
  });
});

describe.skipIf(browserPath === undefined)(`in the browser${unlessBrowser}`, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage();
  });

  afterAll(async () => {
    await stage.close();
  });

  it("HTML in fields is shown, never executed", async () => {
    const { page, problems, close } = await stage.visit("/arxiv/cs.CR");
    const check = async (): Promise<void> => {
      const found = await page.evaluate(() => ({
        hacked: "hacked" in window,
        elements: document.querySelectorAll("main img, main script, aside img, aside script, [onerror]")
          .length,
        links: [...document.querySelectorAll("a")].filter((link) => link.protocol === "javascript:").length,
      }));
      expect(found).toEqual({ hacked: false, elements: 0, links: 0 });
    };
    const card = page.locator('[data-id="2606.90001"]');
    await card.waitFor();
    expect(await card.locator("h2").textContent()).toContain("<script>window.hacked=2</script>");
    await check();
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.keyboard.press("s");
    await page.keyboard.press("r");
    await page.locator(".of").getByText("<img src=x").waitFor();
    await check();
    for (const path of [
      "/arxiv/2606.90001",
      "/arxiv/search?query=%3Cimg+onerror%3E+harmless",
      "/starred",
      "/arxiv/%3Cscript%3E",
      "/venue/%3Cimg%20src=x%3E",
    ]) {
      await page.goto(stage.url + path);
      await page.locator("h1").waitFor();
      await check();
    }
    await page.goto(`${stage.url}/starred`);
    await card.waitFor();
    await check();
    // The browser itself had nothing to refuse: no script, style or address came from a field.
    expect(problems.filter((problem) => !/status of 40[04]/.test(problem))).toEqual([]);
    await close();
  });

  it("no request carries a preference, a star, a filter or the reading record", async () => {
    const { page, requests, close } = await stage.visit("/");
    await page.context().route("https://arxiv.org/**", (route) => route.fulfill({ body: "a paper" }));
    await page.locator("[data-id]").nth(18).waitFor();
    await page.keyboard.press("y");
    await page.locator("#keywords").fill("tactile\nsecretkeyword");
    await page.getByRole("button", { name: "Order this list for me" }).click();
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("f");
    await page.locator("#filter-include").fill("secretfilter");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("j");
    await page.keyboard.press("s");
    const opened = page.waitForEvent("popup");
    await page.keyboard.press("o");
    await (await opened).close();
    const starred = (await page.locator("[aria-current=true][data-id]").getAttribute("data-id")) ?? "none";
    for (const key of ["1", "2", "3", "4", "3", "["]) await page.keyboard.press(key);
    await page.locator("[data-step=later]:not(.off)").waitFor();
    await page.getByRole("link", { name: "Starred" }).click();
    await page.locator(`[data-id="${starred}"]`).waitFor();
    await page.getByRole("link", { name: "Read", exact: true }).click();
    await page.locator(`[data-id="${starred}"]`).waitFor();
    await page.reload();
    await page.locator(`[data-id="${starred}"]`).waitFor();
    await page.locator("#search").fill("codes");
    await page.getByTestId("count").getByText("match").waitFor();

    const own = requests.filter((request) => request.url().startsWith(stage.url));
    expect(own.length).toBeGreaterThan(10);
    for (const request of own) {
      const headers = await request.allHeaders();
      const sent = `${request.url()}\n${request.postData() ?? ""}\n${Object.entries(headers).map(String).join("\n")}`;
      expect(request.method()).toBe("GET");
      expect(headers["cookie"]).toBeUndefined();
      expect(sent).not.toMatch(/secretkeyword|secretfilter|tactile|preference/);
      expect(sent).not.toContain(starred);
    }
    // Besides itself, the page sent its reader only where they asked to go.
    const foreign = requests
      .filter((request) => !request.url().startsWith(stage.url))
      .map((request) => request.url());
    expect(foreign).toEqual([`https://arxiv.org/abs/${starred}`]);
    await close();
  });

  it("a reader can take everything along, and forget everything", async () => {
    const { page, close } = await stage.visit("/arxiv/cs.RO");
    await page.locator("[data-id]").first().waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("s");
    await page.keyboard.press("y");
    await page.locator("#keywords").fill("tactile");
    const saved = page.waitForEvent("download");
    await page.getByRole("button", { name: "Export" }).click();
    const file = await (await saved).path();
    expect(readFileSync(file, "utf8")).toContain('"kind": "athanor-papers-reader"');
    await page.getByRole("button", { name: "Forget everything" }).click();
    await page.getByRole("button", { name: "Really forget" }).click();
    await page.locator(".badge").waitFor({ state: "detached" });
    expect(await page.locator("#keywords").inputValue()).toBe("");
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByText("Imported papers: 1").waitFor();
    await page.locator(".badge").getByText("1").waitFor();
    expect(await page.locator("#keywords").inputValue()).toBe("tactile");
    await page
      .locator("input[type=file]")
      .setInputFiles({ name: "x.json", mimeType: "application/json", buffer: Buffer.from("[]") });
    await page.getByText("This is not an exported file").waitFor();
    await close();
  });
});
