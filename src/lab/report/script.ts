// What the report does: search, choose a verdict, light or dark. The page is whole without it.
export const SCRIPT: string = `
const search = document.querySelector("#search");
const choice = document.querySelector("#choice");
const articles = [...document.querySelectorAll("article")];
const sections = [...document.querySelectorAll("main section")];
const nothing = document.querySelector("#nothing");
function show() {
  const words = search.value.toLowerCase().split(/\\s+/).filter((word) => word !== "");
  for (const article of articles) {
    const text = article.textContent.toLowerCase() + " " + article.id;
    const fits = words.every((word) => text.includes(word)) && (choice.value === "" || article.dataset.verdict === choice.value);
    article.hidden = !fits;
  }
  for (const section of sections) section.hidden = ![...section.querySelectorAll("article")].some((article) => !article.hidden);
  nothing.hidden = articles.some((article) => !article.hidden);
}
search.addEventListener("input", show);
choice.addEventListener("change", show);
const root = document.documentElement;
const kept = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
if (kept) root.dataset.theme = kept;
document.querySelector("#theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a page from a file may keep nothing */ }
});
document.querySelector(".bar").hidden = false;
show();
`;
