import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { browserPath, unlessBrowser, openStage, type Stage, type Visit } from "./browser.ts";

const robots = (day: number): string[] => [0, 1, 2].map((i) => `2606.${10_400 + day * 1000 + i}`);

describe.skipIf(browserPath === undefined)(`the paper page${unlessBrowser}`, () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await openStage();
  }, 180_000);

  afterAll(async () => {
    await stage.close();
  });

  /** Opens a page that must stay free of errors. */
  async function visit(path: string, options?: Parameters<Stage["visit"]>[1]): Promise<Visit> {
    const opened = await stage.visit(path, options);
    onTestFinished(async () => {
      await opened.close();
      expect(opened.problems).toEqual([]);
    });
    return opened;
  }

  it("lists a day and a category, and moves between days", async () => {
    const { page, shows } = await visit("/arxiv/cs.RO");
    await shows(robots(2));
    expect(await page.locator("h1").textContent()).toBe("cs.RO");
    expect(await page.getByTestId("count").textContent()).toBe("3 papers");
    await page.keyboard.press("[");
    await shows(robots(1));
    expect(await page.title()).toBe("cs.RO · Athanor");
    expect(new URL(page.url()).searchParams.get("date")).toBe("2026-06-29");
    await page.locator("[data-step=earlier]").click();
    await shows(robots(0));
    await page.keyboard.press("]");
    await shows(robots(1));
    await page.goBack();
    await shows(robots(0));
    await page.getByRole("link", { name: "30", exact: true }).click();
    await shows(robots(2));
    await page.locator('[aria-label="Leave out cs.RO"]').dispatchEvent("click");
    expect(decodeURIComponent(page.url())).toContain("/arxiv/-cs.RO");
  });

  it("searches while one types, and a search is one step back", async () => {
    const { page, ids } = await visit("/arxiv/cs.CL");
    await page.keyboard.press("/");
    await page.keyboard.type("tactile grasping", { delay: 5 });
    // The first word alone finds as many, and its answer may come in between.
    await page
      .locator("[data-testid=cards] mark")
      .filter({ hasText: /grasping/i })
      .first()
      .waitFor();
    expect(await page.getByTestId("count").textContent()).toContain("9 results");
    expect(new Set(await ids())).toEqual(new Set([...robots(0), ...robots(1), ...robots(2)]));
    expect(new URL(page.url()).searchParams.get("query")).toBe("tactile grasping");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Escape");
    await page.goBack();
    await page.locator("h1").getByText("cs.CL", { exact: true }).waitFor();
    expect(await page.locator("#search").inputValue()).toBe("");
  });

  it("shows where papers will stand while they are on their way, and no false end or count", async () => {
    const { page, shows } = await visit("/starred");
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route("**/arxiv/cs.RO/json*", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(`${stage.url}/arxiv/cs.RO`);
    await page.getByTestId("waiting").waitFor();
    expect(await page.getByTestId("count").count()).toBe(0);
    expect(await page.getByText("End of the list").count()).toBe(0);
    expect(await page.locator("main").getAttribute("aria-busy")).toBe("true");
    answer();
    await shows(robots(2));
    expect(await page.getByTestId("waiting").count()).toBe(0);
    expect(await page.locator("main").getAttribute("aria-busy")).toBe("false");
  });

  it("Escape leaves a field beside the list, and closes a drawer over it", async () => {
    const { page } = await visit("/arxiv/cs.RO");
    await page.keyboard.press("y");
    await page.locator("#keywords:focus").waitFor();
    await page.keyboard.press("Escape");
    expect(await page.locator("#keywords:focus").count()).toBe(0);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
  });

  it("a search without results says so, in any script", async () => {
    const { page } = await visit("/");
    await page.locator("#search").fill("zzzzqqq <b>");
    await page.getByText("Nothing found for “zzzzqqq <b>”.").waitFor();
    await page.locator("#search").fill("扩散模型");
    await page.getByTestId("count").getByText("1 result").waitFor();
    await page.getByRole("button", { name: "Clear the search" }).click();
    await page.getByTestId("count").getByText("papers").waitFor();
  });

  it("related papers at the side, and as a list", async () => {
    const { page, ids } = await visit("/arxiv/cs.RO?date=2026-06-28");
    await page.locator(`[data-id="${robots(0)[0]}"]`).waitFor();
    await page.keyboard.press("j");
    await page.keyboard.press("r");
    await page.getByTestId("related").locator("li").nth(7).waitFor();
    const titles = await page.getByTestId("related").locator(".title").allTextContents();
    expect(titles.filter((title) => title.includes("Robot grasping"))).toHaveLength(8);
    await page.getByRole("link", { name: "Open as a list" }).click();
    await page.waitForURL(/related$/);
    await page.locator(`[data-id="${robots(1)[0]}"]`).waitFor();
    expect(await ids()).not.toContain(robots(0)[0]);
    expect(await page.locator('link[type="application/atom+xml"]').getAttribute("href")).toMatch(
      /\/related\/feed$/,
    );
  });

  it("stars and the reading record outlive the page", async () => {
    const { page, shows } = await visit("/arxiv/cs.RO");
    await shows(robots(2));
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("s");
    await page.locator(".badge").getByText("1").waitFor();
    await page.context().route("https://arxiv.org/**", (route) => route.fulfill({ body: "a paper" }));
    const opened = page.waitForEvent("popup");
    await page.keyboard.press("p");
    expect((await opened).url()).toBe(`https://arxiv.org/pdf/${robots(2)[1]}`);
    await page.getByText("read", { exact: true }).waitFor();
    await page.reload();
    await page.getByRole("link", { name: "Starred" }).click();
    await shows([robots(2)[1] ?? ""]);
    await page.getByRole("link", { name: "Read", exact: true }).click();
    await shows([robots(2)[1] ?? ""]);
    await page.goto(`${stage.url}/starred`);
    await shows([robots(2)[1] ?? ""]);
    expect(await page.getByTestId("count").textContent()).toBe("1 paper");
    await page.getByRole("button", { name: "Remove the star" }).click();
    await page.getByText("No stars yet.").waitFor();
  });

  it("orders: the list, own stars first, by preference, newest first", async () => {
    const { page, ids } = await visit("/");
    const listed = async (): Promise<string[]> => {
      await page.locator("[data-id]").nth(18).waitFor();
      return await ids();
    };
    const before = await listed();
    await page.keyboard.press("G");
    await page.keyboard.press("s");
    await page.keyboard.press("2");
    const last = before.at(-1) ?? "";
    await page.waitForFunction(
      (id) => document.querySelector("[data-id]")?.getAttribute("data-id") === id,
      last,
    );
    expect((await listed())[1]).toBe("2606.90002"); // the one the collection itself starred
    await page.keyboard.press("y");
    await page.locator("#keywords").fill("tactile sensing");
    await page.getByRole("button", { name: "Order this list for me" }).click();
    await page.waitForFunction(
      (id) => document.querySelector("[data-id]")?.getAttribute("data-id") === id,
      robots(2)[0],
    );
    const preferred = await listed();
    expect(new Set(preferred.slice(0, 3))).toEqual(new Set(robots(2)));
    expect([...preferred].sort()).toEqual([...before].sort());
    expect(preferred.slice(3)).toEqual(before.filter((id) => !robots(2).includes(id)));
    await page.locator("#keywords").fill("");
    await page.getByText("Ordering by:").waitFor();
    await page.locator("[data-order=newest]").click();
    await page.waitForFunction(
      (id) => document.querySelector("[data-id]")?.getAttribute("data-id") === id,
      [...before].sort().at(-1),
    );
  });

  it("a cloud of the keywords of what was kept; a word of it becomes a keyword", async () => {
    const { page, shows } = await visit("/arxiv/cs.RO");
    await shows(robots(2));
    for (let i = 0; i < 3; i++) {
      await page.keyboard.press("j");
      await page.keyboard.press("s");
    }
    await page.keyboard.press("y");
    await page.getByTestId("cloud").getByRole("button", { name: "tactile" }).click();
    expect(await page.locator("#keywords").inputValue()).toBe("tactile");
  });

  it("filters mark, dim, hide and leave out", async () => {
    const { page, ids } = await visit("/");
    await page.locator("[data-id]").nth(18).waitFor();
    await page.keyboard.press("f");
    await page.locator("#filter-include").fill("tactile\ndenoising steps");
    await page.getByTestId("count").getByText("6 of 19 match").waitFor();
    expect(await page.locator("mark", { hasText: "denoising steps" }).count()).toBe(3);
    expect(await page.locator(".card.dim").count()).toBe(13);
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await page.keyboard.press("m");
    await page.waitForFunction(() => document.querySelectorAll("[data-id]").length === 6);
    await page.locator("#filter-exclude").fill("robot");
    await page.waitForFunction(() => document.querySelectorAll("[data-id]").length === 3);
    expect((await ids()).every((id) => id.startsWith("2606.121"))).toBe(true);
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.waitForFunction(() => document.querySelectorAll("[data-id]").length === 19);
  });

  it("the keyboard: move, unfold, help, density", async () => {
    const { page } = await visit("/");
    await page.locator("[data-id]").nth(18).waitFor();
    const chosen = (): Promise<string | null> =>
      page.locator("[aria-current=true][data-id]").getAttribute("data-id");
    await page.keyboard.press("j");
    const first = await chosen();
    await page.keyboard.press("j");
    expect(await chosen()).not.toBe(first);
    await page.keyboard.press("k");
    expect(await chosen()).toBe(first);
    expect(await page.locator(".clamped").count()).toBe(19);
    await page.keyboard.press("Enter");
    expect(await page.locator(".clamped").count()).toBe(18);
    await page.keyboard.press("v");
    expect(await page.locator(".abstract").count()).toBe(1);
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Next paper").waitFor();
    await page.keyboard.press("j");
    expect(await chosen()).toBe(first);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "hidden" });
    await page.keyboard.press("Control+s");
    expect(await page.locator(".star.on").count()).toBe(0);
  });

  it("speaks Chinese, changes theme, and remembers both", async () => {
    const { page } = await visit("/");
    await page.keyboard.press("l");
    await page.getByText("19 篇论文").waitFor();
    expect(await page.locator("html").getAttribute("lang")).toBe("zh-CN");
    const background = async (theme: string): Promise<string> => {
      await page.locator(`html[data-theme=${theme}]`).waitFor();
      return await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    };
    await page.keyboard.press("t");
    const light = await background("light");
    await page.keyboard.press("t");
    expect(await background("dark")).not.toBe(light);
    await page.reload();
    await page.getByText("19 篇论文").waitFor();
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.getByRole("button", { name: "English" }).click();
    await page.getByText("19 papers").waitFor();
  });

  it("renders TeX and leaves prices alone", async () => {
    const { page } = await visit("/arxiv/2606.90002");
    await page.locator(".katex").nth(1).waitFor();
    expect(await page.locator("h2 .katex").count()).toBe(1);
    const abstract = page.locator(".abstract");
    expect(await abstract.textContent()).toContain("It costs $5 or $10.");
    expect(await abstract.locator(".emphasis").textContent()).toBe("more");
    expect(await abstract.getByRole("link").getAttribute("href")).toBe("https://example.org/code");
  });

  it("copies BibTeX, text and links", async () => {
    const { page, shows } = await visit("/arxiv/cs.RO", {
      permissions: ["clipboard-read", "clipboard-write"],
    });
    await shows(robots(2));
    await page.keyboard.press("j");
    const clipboard = (): Promise<string> => page.evaluate(() => navigator.clipboard.readText());
    await page.keyboard.press("b");
    await page.getByText("Copied BibTeX").waitFor();
    expect(await clipboard()).toContain(`@misc{lovelace2026robot,`);
    await page.keyboard.press("c");
    await page.getByText("Copied title").waitFor();
    expect(await clipboard()).toContain(`https://arxiv.org/pdf/${robots(2)[0]}`);
    await page.locator("[data-action=link]").first().click();
    await page.getByText("Copied the link").waitFor();
    expect(await clipboard()).toBe(`https://arxiv.org/abs/${robots(2)[0]}`);
  });

  it("draws long lists as one reads on, folds long lists of authors", async () => {
    const { page } = await visit("/arxiv?date=all");
    await page.getByTestId("count").getByText("50 papers").waitFor();
    await page.keyboard.press("G");
    await page.waitForFunction(() => document.querySelectorAll("[data-id]").length === 50);
    const many = page.locator('[data-id="2606.90004"]');
    expect(await many.locator(".authors").textContent()).not.toContain("Author 41");
    await many.getByRole("button", { name: "and 5 more" }).click();
    expect(await many.locator(".authors").textContent()).toContain("Author 45");
    expect(await many.locator(".abstract").textContent()).toContain("No abstract.");
  });

  it("offers each list as a feed, and says when a paper is missing", async () => {
    const { page } = await visit("/arxiv/search?query=robot");
    const href = await page.locator("[data-tool=feed]").getAttribute("href");
    expect(href).toBe("/arxiv/search/feed?query=robot");
    expect(await page.locator('link[type="application/atom+xml"]').getAttribute("href")).toBe(href);
    expect(await (await page.request.get(stage.url + href)).text()).toContain("<feed");
    const strange = await visit(`/papers/${encodeURIComponent("venue/2025?x=1&y=2")}`);
    await strange.shows(["venue/2025?x=1&y=2"]);
  });

  it.each([360, 768, 1100])("fits %i pixels", async (width) => {
    const { page } = await visit("/arxiv/cs.CR", { viewport: { width, height: 800 }, hasTouch: true });
    await page.locator("[data-id]").first().waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    if (width > 1080) return;
    await page.getByRole("button", { name: "Days and categories" }).click();
    await page.getByRole("link", { name: "cs.RO", exact: false }).first().click();
    await page.locator("h1").getByText("cs.RO").waitFor();
  });
});
