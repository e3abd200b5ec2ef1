
"use strict";
/* Asks the trials of a study one by one. Answers are kept in this browser's localStorage and exported by the
   reader as a file; nothing is loaded or sent. The page does not know which answers are right. */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const WORDS = {
    compare: [["left", "The left", ["ArrowLeft"], "←"], ["right", "The right", ["ArrowRight"], "→"]],
    read: [["yes", "Yes", ["y", "Y"], "Y"], ["no", "No", ["n", "N"], "N"]],
  };
  const TITLES = { compare: "Which image is worse?", read: "Can you still read this image?" };
  const total = data.trials.length;
  const place = `medimeta-c-readers/${data.study}`;
  let reader = "", answers = [], shownAt = null, scale = 1, kept = true, turn = 0, ready = false;

  // -- storage, which a browser may refuse to pages from the disk --------------------------------
  function load(key) {
    try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
  }
  function keep(key, value) {
    try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; }
  }
  const named = (text) => Array.from(text.normalize("NFKC").trim().replace(/\s+/g, " ")).slice(0, 40).join("").trim();
  const mine = (name) => `${place}/${name.toLowerCase()}`;
  function earlier(name) {
    const saved = name ? load(mine(name)) : null;
    const right = saved && Array.isArray(saved.answers) && saved.answers.length <= total
      && saved.answers.every((one, index) => one && one.trial === data.trials[index].trial
        && WORDS[data.trials[index].question].some(([word]) => word === one.answer));
    return right ? saved.answers : [];
  }
  function save() {
    kept = keep(mine(reader), { answers }) && keep(`${place}/last`, reader);
  }
  addEventListener("beforeunload", (event) => { if (!kept && answers.length) event.preventDefault(); });

  // -- sections -----------------------------------------------------------------------------------
  function show(id) {
    for (const one of ["start", "trial", "done"]) by(one).hidden = one !== id;
    scrollTo(0, 0);
  }
  function begin() {
    show("start");
    const last = load(`${place}/last`);
    if (typeof last === "string" && !by("reader").value) by("reader").value = last;
    found();
    by("reader").focus();
  }
  function found() {
    const done = earlier(named(by("reader").value)).length;
    by("saved").textContent = done ? `${done} of ${total} questions are answered in this browser.` : "";
    by("go").textContent = done ? "Go on" : "Start";
  }
  by("reader").addEventListener("input", found);
  by("enter").addEventListener("submit", (event) => {
    event.preventDefault();
    const name = named(by("reader").value);
    if (!name) { by("reader").value = ""; by("reader").focus(); return; }
    reader = name;
    answers = earlier(name);
    save();
    next();
  });

  // -- one trial ----------------------------------------------------------------------------------
  function next() {
    if (answers.length >= total) finish(); else ask();
  }
  function sized(image, count) {
    // Whole screen pixels for each pixel where there is room, so that the browser's interpolation hides nothing.
    const style = getComputedStyle(by("stage"));
    const padding = parseFloat(style.paddingLeft) * 2 + parseFloat(style.columnGap) * (count - 1);
    const room = Math.min((by("stage").clientWidth - padding) / count, 640);
    const height = Math.max(160, Math.min(innerHeight - 300, 640));
    const fit = Math.min(room / image.naturalWidth, height / image.naturalHeight) * devicePixelRatio;
    const whole = fit >= 1;
    scale = whole ? Math.floor(fit) : fit;
    image.className = whole ? "whole" : "";
    image.style.width = `${(scale * image.naturalWidth) / devicePixelRatio}px`;
    image.style.height = `${(scale * image.naturalHeight) / devicePixelRatio}px`;
  }
  async function ask() {
    show("trial");
    ready = false;
    const mark = ++turn, index = answers.length, trial = data.trials[index], about = data.about[trial.about];
    by("count").textContent = `${index + 1} of ${total}`;
    by("bar").value = index;
    by("question").textContent = TITLES[trial.question];
    by("about").textContent = `${about.phantom ? "Generated image. " : ""}${about.title} (${about.modality}). `
      + `Clinical question: ${about.task}.`;
    by("undo").disabled = index === 0;
    by("stage").style.minHeight = `${by("stage").offsetHeight}px`;  // else the page would jump at each question
    by("stage").replaceChildren();
    by("choices").replaceChildren(...WORDS[trial.question].map(([word, label, , key]) => {
      const button = document.createElement("button"), shown = document.createElement("kbd");
      button.type = "button";
      button.id = `choose-${word}`;
      shown.textContent = key;
      button.append(label, shown);
      button.disabled = true;
      button.addEventListener("click", () => answer(word));
      return button;
    }));
    by("question").focus({ preventScroll: true });
    by("said").textContent = `Question ${index + 1} of ${total}. ${TITLES[trial.question]}`;
    const images = trial.images.map((number) => {
      const image = new Image();
      image.src = data.images[number];
      return image;
    });
    const drawn = await Promise.allSettled(images.map((image) => image.decode()));
    if (mark !== turn) return;
    if (drawn.some((one) => one.status === "rejected")) {
      by("stage").textContent = "This browser cannot show the image. Stop for now, and try another browser.";
      return;
    }
    by("stage").replaceChildren(...images.map((image, side) => {
      const figure = document.createElement("figure");
      image.alt = images.length === 1 ? "the image" : ["the left image", "the right image"][side];
      image.draggable = false;
      figure.append(image);
      if (images.length > 1) {
        const caption = document.createElement("figcaption");
        caption.textContent = ["left", "right"][side];
        figure.append(caption);
      }
      return figure;
    }));
    images.forEach((image) => sized(image, images.length));
    by("stage").style.minHeight = "";
    for (const button of by("choices").children) button.disabled = false;
    shownAt = performance.now();
    ready = true;
  }
  addEventListener("resize", () => {
    const images = by("stage").querySelectorAll("img");
    images.forEach((image) => sized(image, images.length));
  });
  function answer(word) {
    if (!ready) return;
    ready = false;
    answers.push({
      trial: data.trials[answers.length].trial,
      answer: word,
      seconds: Math.round(performance.now() - shownAt) / 1000,
      scale: Math.round(scale * 1000) / 1000,
    });
    save();
    next();
  }
  function undo() {
    if (!answers.length) return;
    answers.pop();
    save();
    ask();
  }
  by("undo").addEventListener("click", undo);
  by("stop").addEventListener("click", finish);
  addEventListener("keydown", (event) => {
    if (by("trial").hidden || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const choice = WORDS[data.trials[answers.length].question].find(([, , keys]) => keys.includes(event.key));
    if (choice) answer(choice[0]);
    else if (event.key === "Backspace") undo();
    else if (event.key === "Escape") finish();
    else return;
    event.preventDefault();
  });

  // -- the end ------------------------------------------------------------------------------------
  function exported() {
    return JSON.stringify({
      schema_version: 1,
      kind: "medimeta-c reader answers",
      package_version: data.package_version,
      study: data.study,
      reader,
      answers,
    }, null, 1) + "\n";
  }
  function finish() {
    turn += 1;
    ready = false;
    show("done");
    const all = answers.length >= total;
    by("done-title").textContent = all ? "Thank you" : "Stopped for now";
    by("done-text").textContent = `${answers.length} of ${total} questions are answered. `
      + (all ? "Export the answers and give the file to whoever asked you."
        : kept ? "They are kept in this browser: open the page again to go on."
          : "This browser does not keep them: go on now, or export them before you close the page.");
    by("export").disabled = !answers.length;
    by("resume").hidden = all;
    by("exported").textContent = "";
    by("text").value = exported();
    by("done-title").focus({ preventScroll: true });
  }
  by("resume").addEventListener("click", next);
  by("export").addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([exported()], { type: "application/json" }));
    link.download = `answers-${reader.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 20) || "reader"}-${data.study.slice(0, 8)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    by("exported").textContent = `Exported as ${link.download}.`;
  });
  by("forget").addEventListener("click", () => {
    try { localStorage.removeItem(mine(reader)); localStorage.removeItem(`${place}/last`); } catch { /* nothing is kept */ }
    answers = [];
    kept = true;
    by("reader").value = "";
    begin();
  });

  begin();
})();
