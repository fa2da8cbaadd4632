// On every page. Everything here is an addition: the pages work without it.
"use strict";

// The error summary takes the focus, so that it is read first.
document.getElementById("error-summary")?.focus();

// Passwords: show and hide, and a word when Caps Lock is on.
for (const box of document.querySelectorAll("[data-secret]")) {
  const input = box.querySelector("input");
  const button = box.querySelector("button");
  const caps = box.parentElement.querySelector("[data-caps]");
  const name = button.getAttribute("aria-label");
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", name.replace(button.dataset.show, button.textContent).replace(button.dataset.hide, button.textContent));
    input.focus();
  });
  input.form.addEventListener("submit", () => { input.type = "password"; });
  for (const type of ["keydown", "keyup"]) {
    input.addEventListener(type, (event) => { caps.hidden = !event.getModifierState?.("CapsLock"); });
  }
  input.addEventListener("blur", () => { caps.hidden = true; });
}

// A choice of language that is not confirmed by the button yet is confirmed by choosing it with the keyboard's Enter or
// the pointer; the button stays for all who step through a list.
const language = document.getElementById("lang");
language?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    document.getElementById("switch_lang").click();
  }
});

// A form that must be sent once is sent once.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
  // the browser kept the page as it was when it was left
  window.addEventListener("pageshow", () => { delete form.dataset.sent; });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// The menu closes on Escape and when something else is touched.
const menu = document.querySelector("details.menu");
if (menu) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
}

// Enter presses a button on the button itself and in a box for text, and nowhere else.
document.addEventListener("keydown", (event) => {
  const at = event.target;
  const chooses = at instanceof HTMLSelectElement || (at instanceof HTMLInputElement && ["radio", "checkbox", "file"].includes(at.type));
  if (event.key === "Enter" && chooses && at.id !== "lang") event.preventDefault();
});

// Back and Forward. Where the institution takes them for an invalid operation, it is told; elsewhere a page that the
// browser kept is asked for anew when nobody is logged in any more.
const wentBack = document.getElementById("went-back");
window.addEventListener("pageshow", async (event) => {
  const byHistory = event.persisted || performance.getEntriesByType("navigation")[0]?.type === "back_forward";
  if (byHistory && wentBack) return wentBack.submit();
  const extend = document.getElementById("idle")?.dataset.extend;
  if (!event.persisted || !extend) return;
  const answer = await fetch(extend, { credentials: "same-origin", cache: "no-store" }).catch(() => undefined);
  if (!answer?.ok) location.reload();
});

// The session ends by itself: say so in time, with one button to stay. All windows of the session share the clock. Its
// last end cannot be moved, which is said as well.
const idle = document.getElementById("idle");
if (idle) {
  const key = "madoguchi-last-seen";
  const allowed = Number(idle.dataset.idle);
  const warning = Number(idle.dataset.warning);
  const end = Date.now() + Number(idle.dataset.absolute) * 1000;
  const left = idle.querySelector("[data-left]");
  const stay = idle.querySelector("[data-stay]");
  const words = (name, n) => idle.querySelector(`[data-${name}]`).innerHTML.replace("%{n}", String(n));
  const seen = () => { try { localStorage.setItem(key, String(Date.now())); } catch { own = Date.now(); } };
  let own = Date.now();
  let told = false;
  const lastSeen = () => { try { return Math.max(own, Number(localStorage.getItem(key)) || 0); } catch { return own; } };
  seen();
  stay.addEventListener("click", async () => {
    if (idle.dataset.final) return idle.close();
    try {
      const answer = await fetch(idle.dataset.extend, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      own = Date.now();
      seen();
      idle.close();
    } catch {
      location.assign(idle.dataset.ended);
    }
  });
  idle.addEventListener("cancel", (event) => event.preventDefault());
  setInterval(() => {
    const untilIdle = Math.round(allowed - (Date.now() - lastSeen()) / 1000);
    const untilEnd = Math.round((end - Date.now()) / 1000);
    const isFinal = untilEnd <= untilIdle;
    const rest = Math.min(untilIdle, untilEnd);
    if (rest <= 0) return location.assign(isFinal ? idle.dataset.expired : idle.dataset.ended);
    if (rest > warning) { if (idle.open) idle.close(); return; }
    // Minutes while there are any, so that a screen reader is not kept talking; seconds only at the end.
    const text = rest >= 60 ? words("minutes", Math.ceil(rest / 60)) : words("seconds", Math.ceil(rest / 10) * 10);
    if (left.textContent !== text) left.textContent = text;
    if (isFinal && !idle.dataset.final) {
      idle.dataset.final = "1";
      idle.querySelector("[data-can-stay]").hidden = true;
      idle.querySelector("[data-is-final]").hidden = false;
      stay.textContent = idle.querySelector("[data-go-on]").innerHTML;
    }
    // what cannot be moved is said once, and not again at every second
    if (!idle.open && !(isFinal && told)) idle.showModal();
    told = told || isFinal;
  }, 1000);
}
