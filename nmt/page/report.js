"use strict";
/* The page: each part filled with its facts, or with the reason why they are not there. */

const facts = JSON.parse(document.getElementById("facts").textContent);
const { history, model, corpus, files, scores, sentences, attention, missing } = facts;

function content(id) {
  return document.querySelector(`#${id} .content`);
}

function note(reason) {
  return element("p", { class: "missing" }, element("b", {}, "Left out: "), reason);
}

function languageName(code) {
  return code ? new Intl.DisplayNames(["en"], { type: "language" }).of(code) : "?";
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return `${Math.round(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/* rows: arrays of strings and elements; the first row is the head. */
function table(rows, name = "") {
  const [head, ...rest] = rows;
  const line = (cells, kind) => element("tr", {}, ...cells.map((cell) => element(kind, {}, cell)));
  return element("div", { class: "scroll", tabindex: 0 }, element("table", { class: name },
    element("thead", {}, line(head, "th")), element("tbody", {}, ...rest.map((row) => line(row, "td")))));
}

function definitions(pairs) {
  return element("dl", { class: "facts" },
    ...pairs.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function list(items, name) {
  return element("ul", { class: name }, ...items.map((item) => element("li", {}, item)));
}

function fillHead() {
  document.getElementById("languages").textContent = facts.languages.some(Boolean)
    ? facts.languages.map(languageName).join(" \u2192 ") : "Translation model";
  const tiles = [];
  const at = history ? history.validation.step.indexOf(facts.step) : -1;
  if (at >= 0) {
    tiles.push(["Validation BLEU", figure(history.validation.bleu[at], 2)], ["chrF", figure(history.validation.chrf[at], 2)],
      ["Perplexity", figure(history.validation.perplexity[at], 2)]);
  }
  if (corpus) tiles.push(["Training pairs", figure(corpus.pairs)]);
  if (model) tiles.push(["Parameters", `${figure(total(model.parameters) / 1e6, 1)} M`]);
  if (history) {
    tiles.push(["Epochs", figure(history.epochs)],
      ["Training time", duration(history.seconds.train + history.seconds.validation)]);
  }
  document.getElementById("tiles").append(...tiles.map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

function total(counts) {
  return counts.reduce((sum, [, count]) => sum + count, 0);
}

function fillCurves() {
  const box = document.querySelector("#curves .charts");
  if (!history) return box.append(note(missing.history));
  const { train, validation, best, steps: last } = history;
  const curve = (records, name, label, digits, tone) =>
    ({ name: label, x: records.step, y: records[name], digits, tone });
  return box.append(
    chart({ title: "Loss", unit: "nats a target token", last, best, series: [
      curve(train, "loss", "training", 3, 1), curve(validation, "loss", "validation", 3, 2)] }),
    chart({ title: "BLEU and chrF", unit: "validation set, greedy search", last, best, series: [
      curve(validation, "bleu", "BLEU", 2, 1), curve(validation, "chrf", "chrF", 2, 2)] }),
    chart({ title: "Learning rate", unit: "", last, best, series: [
      curve(train, "learning_rate", "at this step", undefined, 1)] }),
    chart({ title: "Speed", unit: "target tokens a second", last, best, series: [
      curve(train, "target_tokens_per_second", "training", 0, 1)] }));
}

function fillScores() {
  const box = content("scores");
  if (scores) {
    box.append(element("p", {}, `The best checkpoint, step ${figure(facts.step)}, by greedy search, as in training:`),
      table([["Score", "", "Signature (sacreBLEU)"],
        ...scores.list.map(([name, value, signature]) => [name, element("b", {}, figure(value, 2)), element("code", {}, signature)])], "scores"));
    if (scores.recorded !== null) {
      box.append(element("p", { class: "missing" },
        `Training recorded a BLEU of ${figure(scores.recorded, 2)} at this step: the files of data.validation, or how nmt scores their language, are not what they were then.`));
    }
  } else box.append(note(missing.scores ?? missing.sentences));
  if (!history) return box.append(note(missing.history));
  const { step, epoch, loss, perplexity, bleu, chrf, signature } = history.validation;
  if (!step.length) return box.append(element("p", { class: "missing" }, "Nothing was validated yet."));
  const rows = step.map((at, index) => [figure(epoch[index]), figure(at), figure(bleu[index], 2), figure(chrf[index], 2),
    figure(loss[index], 3), figure(perplexity[index], 2), ""]);
  const made = table([["Epoch", "Step", "BLEU", "chrF", "Loss", "Perplexity", ""], ...rows], "numbers");
  const line = made.querySelectorAll("tbody tr")[step.indexOf(history.best)];
  line?.classList.add("best");
  line?.lastChild.append(element("span", { class: "badge" }, "best"));
  const signatures = [...new Set(signature.filter(Boolean))];
  return box.append(element("h3", {}, "Every validation"), made,
    ...signatures.map((text) => element("p", { class: "small" }, "BLEU: ", element("code", {}, text))));
}

/* One sentence at a time, from the best to the worst. */
function fillAttention() {
  const box = content("attention");
  const reason = missing.model ?? missing.sentences ?? missing.attention;
  if (!attention) return box.append(note(reason));
  const numbers = Object.keys(attention).map(Number).sort((a, b) => sentences[b][3] - sentences[a][3]);
  if (!numbers.length) return box.append(element("p", { class: "missing" }, "This page was made without attention."));
  // Something to begin with that is neither a word long nor a page.
  const usual = (number) => attention[number].source.length > 18 && attention[number].source.length < 36;
  let place = Math.max(0, numbers.findIndex(usual));
  const view = element("div", { class: "one" });
  const where = element("p", { role: "status" });
  const button = (text, move) => {
    const made = element("button", { type: "button" }, text);
    made.addEventListener("click", () => show(place + move));
    return made;
  };
  const [better, worse] = [button("\u2190 Better", -1), button("Worse \u2192", 1)];
  function show(next) {
    place = next;
    const number = numbers[place];
    const [, reference, , chrf] = sentences[number];
    where.textContent = `Line ${figure(number + 1)}, chrF ${figure(chrf, 1)}; ${figure(place + 1)} of ${figure(numbers.length)}`;
    better.disabled = place === 0;
    worse.disabled = place === numbers.length - 1;
    view.replaceChildren(attentionView(attention[number]), element("div", { class: "line-of-words" },
      element("span", { class: "side" }, "Reference"), element("p", { class: "words", dir: "auto" }, reference)));
  }
  box.append(element("div", { class: "controls" }, better, worse, where), view);
  return show(place);
}

function fillTranslations() {
  const section = document.getElementById("translations");
  if (!sentences) return content("translations").replaceChildren(note(missing.sentences));
  content("translations").prepend(element("p", { class: "lead" },
    "Greedy search by the best checkpoint, the worst first; chrF is of the sentence by itself. ",
    element("span", { class: "other" }, "Underlined"), " words are not in the reference."));
  return sentenceTable(section, facts);
}

function fillData() {
  const box = content("data");
  box.append(element("p", { class: "lead" }, "The text files as they are now, and what nmt check finds in them."));
  const rows = files.pairs.flatMap(({ name, sides }) => sides.map((side) => [name, element("code", {}, side.path), figure(side.lines),
    figure(side.words, 1), figure(side.longest_in_words), figure(side.characters, 1), figure(side.longest_in_characters)]));
  if (rows.length) {
    box.append(table([["", "File", "Lines", "Words a line", "at most", "Characters", "at most"], ...rows], "numbers files"));
  }
  const findings = [...files.pairs.flatMap(({ name, sides, findings: own }) => [
    ...sides.flatMap((side) => side.findings.map((text) => `${side.path}: ${text}`)),
    ...own.map((text) => `${name}: ${text}`)]), ...files.findings];
  if (files.errors.length) box.append(list(files.errors, "missing"));
  if (findings.length) box.append(element("h3", {}, "Findings"), list(findings, "findings"));
  else if (rows.length && !files.errors.length) box.append(element("p", {}, "Nothing odd was found in them."));
}

function fillRun() {
  const box = content("run");
  const pairs = [];
  if (history) {
    const { starts, steps, seconds } = history;
    const when = ({ time }) => `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
    if (starts.length) {
      const { processor, cores, memory, gpus, tensorflow, python, system } = starts.at(-1);
      pairs.push(["Started", starts.map((start) =>
        when(start) + (start.step ? ` (went on after step ${figure(start.step)})` : "")).join("; ")],
      ["Machine", `${processor}, ${figure(cores)} cores, ${figure(memory / 2 ** 30, 0)} GB of memory, ${gpus || "no GPU"}`],
      ["Software", `TensorFlow ${tensorflow}, Python ${python}, ${system}`]);
    }
    pairs.push(["Updates", `${figure(steps)}, in ${figure(history.epochs)} epochs`],
      ["Time", `${duration(seconds.train)} of training, ${duration(seconds.validation)} of validation`]);
  } else box.append(note(missing.history));
  if (model) {
    const parts = model.parameters.map(([name, count]) => `${name} ${figure(count)}`).join(", ");
    pairs.push(["Best checkpoint", `step ${figure(facts.step)}`],
      ["Parameters", `${figure(total(model.parameters))}: ${parts}`],
      ["Vocabulary", `${figure(model.vocabulary[0])} source and ${figure(model.vocabulary[1])} target tokens`]);
  } else box.append(note(missing.model));
  if (corpus) {
    pairs.push(["Trained on", `${figure(corpus.pairs)} pairs: ${figure(corpus.tokens[0])} source and ${figure(corpus.tokens[1])} target tokens`],
      ["Left out", corpus.left_out.map(([reason, count, first]) =>
        `${figure(count)} ${reason} (first: ${first})`).join("; ") || "nothing"]);
  } else box.append(note(missing.corpus));
  box.prepend(definitions(pairs));
}

function fillSettings() {
  content("settings").append(...Object.entries(facts.settings).map(([section, keys]) =>
    element("div", { class: "section" }, element("h3", {}, section), element("dl", {}, ...keys.flatMap(([key, value, changed]) => {
      const kind = changed ? { class: "changed" } : {};
      return [element("dt", kind, key), element("dd", kind, value)];
    })))));
}

fillRun();
fillHead();
fillCurves();
fillScores();
fillAttention();
fillTranslations();
fillData();
fillSettings();
document.getElementById("footer").textContent =
  `Made by nmt ${facts.version}, ${facts.made.slice(0, 10)}. This file needs no network and no other file.`;
