"use strict";
(() => {
  const form = document.querySelector("form.filter");
  if (!form) return;
  form.hidden = false;
  const search = document.getElementById("search");
  const boxes = [...form.querySelectorAll("input[name=status]")];
  const items = [...document.querySelectorAll("section.judged li.check")].map((item) => ({
    item,
    status: item.dataset.status,
    text: item.textContent.toLowerCase(),
  }));
  const shown = document.getElementById("shown");
  const apply = () => {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const each of items) {
      const fits = wanted.has(each.status) && words.every((word) => each.text.includes(word));
      each.item.hidden = !fits;
      count += fits ? 1 : 0;
    }
    shown.textContent = `${count} of ${items.length} checks shown`;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  apply();
})();
