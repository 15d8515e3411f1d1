// What plain HTML cannot do: tell screen readers that a table was exchanged, and put the focus where work goes on.
"use strict";

document.addEventListener("htmx:afterSwap", (event) => {
  const summary = event.detail.target.querySelector("[data-announce]");
  const status = document.getElementById("status");
  if (summary && status) {
    status.textContent = summary.textContent.trim();
    status.classList.add("visually-hidden");
  }
});

document.addEventListener("DOMContentLoaded", () => {
  const errors = document.getElementById("error-summary");
  if (errors) {
    errors.focus();
  }
});
