// The application form: pictures, postal codes, dependent selections. Everything here is an addition.
"use strict";

// A chosen picture is shown at once; one that is too large is named by its size before it is sent.
for (const box of document.querySelectorAll("[data-picture]")) {
  const input = box.querySelector("input[type=file]");
  const chosen = box.querySelector("[data-chosen]");
  const image = chosen.querySelector("img");
  const blank = image.src;
  input.addEventListener("change", () => {
    if (image.src.startsWith("blob:")) URL.revokeObjectURL(image.src);
    const file = input.files[0];
    const shows = file && /^image\/(jpeg|png|gif)$/.test(file.type);
    image.src = shows ? URL.createObjectURL(file) : blank;
    chosen.hidden = !shows;
  });
}

// A notice that belongs to a choice is shown with that choice.
for (const notice of document.querySelectorAll("[data-for][data-value]")) {
  const radios = document.querySelectorAll(`input[type=radio][name="${CSS.escape(notice.dataset.for)}"]`);
  const update = () => { notice.hidden = ![...radios].some((r) => r.checked && r.value === notice.dataset.value); };
  for (const radio of radios) radio.addEventListener("change", update);
  update();
}

// Postal code: the button fills in the address here instead of loading the page again. Several places: a choice.
for (const box of document.querySelectorAll("[data-postal]")) {
  const input = box.querySelector("input");
  const button = box.querySelector("button");
  const form = input.form;
  const result = box.querySelector("[data-result]");
  const choices = box.querySelector("[data-choices]");
  const targets = box.dataset.targets.split(" ").map((name) => form.elements[name]);
  const fill = (place) => {
    const values = [place.prefecture, place.city, place.street ?? place.town ?? ""];
    targets.forEach((target, i) => { if (target && (i < 2 || !target.value)) target.value = values[i]; });
    choices.replaceChildren();
    result.textContent = box.dataset.found;
    const street = targets[2];
    street?.focus();
    if (street?.setSelectionRange) street.setSelectionRange(street.value.length, street.value.length);
  };
  let plain = false;
  button.addEventListener("click", async (event) => {
    if (plain) return;
    event.preventDefault();
    try {
      const body = new URLSearchParams({ csrf: form.elements.csrf.value, postal_code: input.value });
      const answer = await fetch(form.dataset.postalCode, { method: "POST", body, credentials: "same-origin", headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const places = (await answer.json()).places;
      choices.replaceChildren();
      if (places.length === 0) { result.textContent = box.dataset.unknown; return; }
      if (places.length === 1) return fill(places[0]);
      result.textContent = box.dataset.several;
      const list = document.createElement("ul");
      list.className = "places";
      for (const place of places) {
        const item = document.createElement("li");
        const pick = document.createElement("button");
        pick.type = "button";
        pick.className = "button button--second button--small";
        pick.textContent = place.label ?? [place.prefecture, place.city, place.street ?? place.town ?? ""].join(" ");
        pick.addEventListener("click", () => fill(place));
        item.append(pick);
        list.append(item);
      }
      choices.append(list);
    } catch {
      // The network or the service did not answer as expected: let the form itself ask.
      plain = true;
      button.click();
    }
  });
}

// City: the button lists the municipalities of the chosen prefecture here instead of loading the page again.
for (const box of document.querySelectorAll("[data-city]")) {
  const input = box.querySelector("input");
  const button = box.querySelector("button");
  const form = input.form;
  const result = box.querySelector("[data-result]");
  const choices = box.querySelector("[data-choices]");
  const prefecture = form.elements[box.dataset.prefecture];
  const clear = () => { choices.replaceChildren(); result.textContent = ""; };
  prefecture?.addEventListener("change", clear);
  let plain = false;
  button.addEventListener("click", async (event) => {
    if (plain) return;
    event.preventDefault();
    clear();
    if (!prefecture?.value) { result.textContent = box.dataset.missing; prefecture?.focus(); return; }
    try {
      const body = new URLSearchParams({ csrf: form.elements.csrf.value, prefecture: prefecture.value });
      const answer = await fetch(form.dataset.municipalities, { method: "POST", body, credentials: "same-origin", headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const places = (await answer.json()).places;
      const select = document.createElement("select");
      select.className = "input";
      select.setAttribute("aria-label", box.dataset.choose);
      select.append(new Option(box.dataset.empty, ""), ...places.map((place) => new Option(place.label, place.city)));
      // arrow keys move through the list and only show what is there; leaving it ends the choice
      select.addEventListener("change", () => { if (select.value) input.value = select.value; });
      choices.append(select);
      result.textContent = box.dataset.choose;
      select.focus();
    } catch {
      plain = true;
      button.click();
    }
  });
}

// Dependent selections: each level lists what belongs to the one before.
for (const box of document.querySelectorAll("[data-tree]")) {
  let tree;
  try { tree = JSON.parse(box.dataset.tree); } catch { continue; }
  const selects = [...box.querySelectorAll("select")];
  const refresh = box.querySelector("[data-refresh]");
  const empty = selects[0].options[0].textContent;
  const update = (changed) => {
    let nodes = tree;
    selects.forEach((select, level) => {
      if (level > changed) {
        const before = select.value;
        select.replaceChildren(new Option(empty, ""), ...nodes.map((n) => new Option(n.l, n.v, false, n.v === before)));
        if (nodes.length === 1) select.value = nodes[0].v;
      }
      select.closest(".affiliation__level").hidden = level > 0 && nodes.length === 0;
      nodes = nodes.find((n) => n.v === select.value)?.c ?? [];
    });
  };
  selects.forEach((select, level) => select.addEventListener("change", () => update(level)));
  update(-1);
  refresh.hidden = true;
}

// Enter that ends the conversion of Japanese text does not send the form.
document.getElementById("application")?.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.isComposing) event.preventDefault();
});
