// What plain HTML cannot do: tell screen readers that a table was exchanged, put the focus where work goes on, keys.
"use strict";

document.addEventListener("htmx:afterSwap", (event) => {
  const summary = event.detail.target.querySelector("[data-announce]");
  const status = document.getElementById("status");
  if (summary && status) {
    status.textContent = summary.textContent.trim();
    status.classList.add("visually-hidden");
  }
});

// What renews itself waits while somebody presses on it: a button exchanged before it is let go would not be clicked.
let pressed = null;
document.addEventListener("pointerdown", (event) => {
  pressed = event.target;
});
// An opened menu may swallow the release.
for (const end of ["pointerup", "pointercancel", "contextmenu"]) {
  document.addEventListener(end, () => {
    pressed = null;
  });
}
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig } = event.detail;
  const renewed = requestConfig.verb === "get" && target.matches('[hx-trigger^="every"]');
  if (renewed && pressed && target.contains(pressed)) {
    event.detail.shouldSwap = false;
  }
});

document.addEventListener("DOMContentLoaded", () => {
  const errors = document.getElementById("error-summary");
  if (errors) {
    errors.focus();
  }
  const wanted = /^#do-([a-z])$/.exec(location.hash);
  if (wanted) {
    use(control(wanted[1]));
  }
});

// A page that is left lets its claim run out; a reload, or the next page of the same case, renews it.
window.addEventListener("pagehide", () => {
  const form = document.querySelector("form[data-leave]");
  if (form) {
    navigator.sendBeacon(form.dataset.leave, new URLSearchParams(new FormData(form)));
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.target.closest("dialog").close();
  }
});

// Keys. Each stands for something visible: [data-key] on the page, or a field by its id, or [data-row-key] in a row.
const FIELDS = { a: "#approve-reason_code", v: "#override-reason_code", n: "#note-body, #approve-note" };
const ON_CASE = "avsn";

function control(key) {
  return document.querySelector(`[data-key="${key}"]`) || (FIELDS[key] ? document.querySelector(FIELDS[key]) : null);
}

function use(element) {
  if (!element) {
    return;
  }
  const details = element.closest("details");
  if (details && element.tagName !== "SUMMARY") {
    details.open = true;
  }
  element.focus();
  if (element.matches("a, button, summary, [type=checkbox]")) {
    element.click();
  }
}

function rows() {
  return Array.from(document.querySelectorAll("[data-row]"));
}

function move(step) {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
  next.querySelector("[data-row-key=o]").focus();
  next.scrollIntoView({ block: "nearest" });
}

function inRow(key) {
  const row = rows().find((each) => each.contains(document.activeElement));
  const link = row ? row.querySelector("[data-row-key=o]") : null;
  if (link && ON_CASE.includes(key)) {
    location.assign(`${link.href}#do-${key}`);
    return;
  }
  const target = row ? row.querySelector(`[data-row-key=${key}]`) : null;
  if (target) {
    target.click();
  }
}

function help() {
  const dialog = document.getElementById("keys-help");
  if (dialog.open) {
    dialog.close();
  } else {
    dialog.showModal();
  }
}

function writing(element) {
  return element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio])");
}

document.addEventListener("keydown", (event) => {
  const taken = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
  if (!("keys" in document.body.dataset) || taken || writing(event.target)) {
    return;
  }
  const listed = rows().length > 0;
  if (event.key === "?") {
    help();
  } else if (document.querySelector("dialog[open]") || !/^[jkocavsnxu/]$/.test(event.key)) {
    return;
  } else if (listed && (event.key === "j" || event.key === "k")) {
    move(event.key === "j" ? 1 : -1);
  } else if (listed && event.key !== "/" && event.key !== "u") {
    inRow(event.key);
  } else {
    use(control(event.key));
  }
  event.preventDefault();
});

// A template fills the note at once, so that its words can be changed; without this script the server puts them there.
document.addEventListener("change", (event) => {
  const select = event.target.closest("select[data-fills]");
  const note = select ? document.getElementById(select.dataset.fills) : null;
  if (note && select.value) {
    note.value = [select.selectedOptions[0].dataset.words, note.value].filter(Boolean).join("\n\n");
    select.value = "";
    note.focus();
  }
});

// Ticking an address means that only the ticked ones are wanted; the button says how many that are.
function countTicks() {
  const form = document.getElementById("approve-form");
  const which = form ? form.elements.namedItem("which") : null;
  if (!which) {
    return;
  }
  const all = form.querySelector("[data-of]").dataset.of;
  const ticks = document.querySelectorAll("input.tick:checked").length;
  const count = which.value === "ticked" ? ticks : Number(all);
  form.querySelector("[data-ticks]").textContent = ticks ? `: ${ticks}` : "";
  form.querySelector("[data-of]").textContent = `Un-verify ${count} address${count === 1 ? "" : "es"}`;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("input.tick")) {
    const some = document.querySelector("input.tick:checked") !== null;
    document.getElementById(some ? "which-ticked" : "which-all").checked = true;
  }
  if (event.target.matches("input.tick, [name=which]")) {
    countTicks();
  }
});

document.addEventListener("DOMContentLoaded", countTicks);

// The link to the help opens it here; without this script it leads to the page that has the same table.
document.addEventListener("click", (event) => {
  if (event.target.closest('[data-key="?"]') && document.getElementById("keys-help")) {
    event.preventDefault();
    help();
  }
});
