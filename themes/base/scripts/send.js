// Sends the answer to the relying party; the button is for browsers without scripts.
"use strict";
document.querySelector("form[data-send]")?.submit();
