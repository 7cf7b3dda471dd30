"use strict";
/* The table of all sentences: sorted, searched, and only as long as it is looked at. */

const ROWS = 50;

/* One spelling for what looks the same, whatever its case. */
function plain(text) {
  return text.normalize("NFKC").toLowerCase().replaceAll("i\u0307", "i");
}

/* The same, with every character where it was. */
function plainInPlace(text) {
  return Array.from(text, (sign) => (plain(sign).length === sign.length ? plain(sign) : sign)).join("");
}

/* The translation, its words that the reference does not have underlined. */
function compared(translation, reference, language) {
  if (!("Segmenter" in Intl)) return [translation];
  const segmenter = new Intl.Segmenter(language ?? undefined, { granularity: "word" });
  const known = new Set(Array.from(segmenter.segment(reference), ({ segment }) => plain(segment)));
  return Array.from(segmenter.segment(translation), ({ segment, isWordLike }) =>
    isWordLike && !known.has(plain(segment)) ? element("span", { class: "other" }, segment) : segment);
}

function sentenceTable(section, { sentences, attention, languages }) {
  const body = section.querySelector("tbody");
  const search = section.querySelector("#search");
  const records = sentences.map(([source, reference, translation, chrf], index) => ({
    index, source, reference, translation, chrf, text: plain([source, reference, translation].join("\n")),
  }));
  const keys = { number: ({ index }) => index, chrf: ({ chrf }) => chrf, length: ({ source }) => source.length };
  let [sorted, falling, shown, found] = ["chrf", false, ROWS, []];

  function row({ index, source, reference, translation, chrf }) {
    const text = (name, ...content) =>
      element("td", { "data-name": name }, element("div", { class: "text", dir: "auto" }, ...content));
    const made = element("tr", {},
      element("td", { class: "number", "data-name": "Line" }, figure(index + 1)),
      element("td", { class: "chrf", "data-name": "chrF" },
        element("span", { class: "bar", style: `--value: ${chrf}` }), figure(chrf, 1)),
      text("Source", source), text("Reference", reference),
      text("Translation", ...compared(translation, reference, languages[1])));
    if (attention?.[index]) {
      const button = element("button", { type: "button", class: "look", "aria-expanded": false }, "Attention");
      made.lastChild.append(button);
      button.addEventListener("click", () => {
        const open = made.nextSibling?.classList.contains("view");
        button.setAttribute("aria-expanded", !open);
        if (open) made.nextSibling.remove();
        else made.after(element("tr", { class: "view" }, element("td", { colspan: 5 }, attentionView(attention[index]))));
      });
    }
    return made;
  }

  function render(from = 0) {
    if (from === 0) body.replaceChildren();
    body.append(...found.slice(from, shown).map(row));
    const rest = found.length - Math.min(shown, found.length);
    section.querySelector(".more").hidden = rest === 0;
    section.querySelector("#more").textContent = `Show ${Math.min(ROWS, rest)} more`;
    section.querySelector("#found").textContent = found.length === records.length
      ? `${figure(records.length)} sentences` : `${figure(found.length)} of ${figure(records.length)} sentences`;
    section.querySelectorAll("[data-sort]").forEach((head) => {
      const own = head.dataset.sort === sorted;
      head.setAttribute("aria-sort", own ? (falling ? "descending" : "ascending") : "none");
    });
    highlight(body, plain(search.value.trim()));
  }
  function update() {
    const query = plain(search.value.trim());
    const key = keys[sorted];
    const sign = falling ? -1 : 1;
    found = records.filter(({ text }) => text.includes(query))
      .sort((a, b) => sign * (key(a) - key(b)) || a.index - b.index);
    shown = ROWS;
    render();
  }
  function showTo(count) {
    const from = shown;
    shown = count;
    render(from);
  }

  section.querySelectorAll("[data-sort] button").forEach((button) => button.addEventListener("click", () => {
    const name = button.parentNode.dataset.sort;
    [sorted, falling] = [name, name === sorted && !falling];
    update();
  }));
  search.addEventListener("input", update);
  section.querySelector("#more").addEventListener("click", () => showTo(shown + ROWS));
  section.querySelector("#all").addEventListener("click", () => showTo(found.length));
  update();
}

/* Marks what was searched for, where the browser can do it without new elements. */
function highlight(body, query) {
  if (!("highlights" in CSS)) return;
  const ranges = [];
  const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
  while (query && walker.nextNode()) {
    const text = plainInPlace(walker.currentNode.data);
    for (let at = text.indexOf(query); at >= 0; at = text.indexOf(query, at + query.length)) {
      if (at + query.length > walker.currentNode.length) break;
      const range = new Range();
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + query.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set("search", new Highlight(...ranges));
}
