// Progressive enhancement; every page works without it.
(function () {
  "use strict";

  // A chosen node includes the nodes below it, so these cannot be ticked too. For nodes loaded on
  // opening, the server knows only the saved choice, so they are updated here.
  function above(box) {
    var own = '[data-below][name="' + box.name + '"]';
    var item = box.closest("li").parentElement.closest("li");
    if (item) return item.querySelector(own);
    var whole = box.closest(".tree").querySelector(own + '[value="/"]');
    return whole === box ? null : whole;
  }
  function settle(boxes) {
    boxes.forEach(function (box) {
      var over = above(box);
      box.disabled = Boolean(over && (over.checked || over.disabled));
      if (box.disabled) box.checked = false;
    });
  }
  document.addEventListener("change", function (event) {
    var box = event.target;
    if (!box.matches || !box.matches("[data-below]")) return;
    settle(box.closest(".tree").querySelectorAll('[data-below][name="' + box.name + '"]'));
  });
  document.addEventListener("htmx:load", function (event) {
    settle(event.detail.elt.querySelectorAll("[data-below]"));
  });

  // Typing in the fields of an alternative chooses it.
  document.addEventListener("input", function (event) {
    var fields = event.target.closest("[data-chooses]");
    if (fields) document.getElementById(fields.dataset.chooses).checked = true;
  }, true);

  // A response does not overwrite what was entered while it was under way: it is discarded, and
  // requested again with the current values.
  function filled(part) {
    return Array.from(part.querySelectorAll("input, select, textarea"), function (field) {
      return field.name + "=" + (field.type === "checkbox" || field.type === "radio" ? field.checked : field.value);
    }).join("\n");
  }
  document.addEventListener("htmx:beforeSend", function (event) {
    event.detail.xhr.part = event.detail.target;
    event.detail.xhr.filled = filled(event.detail.target);
  });
  document.addEventListener("htmx:beforeSwap", function (event) {
    var xhr = event.detail.xhr;
    if (!event.detail.shouldSwap || xhr.part !== event.detail.target) return;
    if (xhr.filled === filled(xhr.part)) return;
    event.detail.shouldSwap = false;
    event.detail.requestConfig.elt.dispatchEvent(new Event("again", { bubbles: true }));
  });

  // Announces swapped content to screen readers.
  function say(event) {
    var said = document.getElementById("said");
    var text = event.target.querySelector && event.target.querySelector("[data-say]");
    if (said && text) said.textContent = text.textContent;
  }
  document.addEventListener("htmx:afterSwap", say);
  document.addEventListener("htmx:oobAfterSwap", say);

  // A waiting page polls until the real page is ready, and then reloads.
  var waits = document.querySelector("[data-until-ready]");
  function look() {
    fetch(location.href, { cache: "no-store" }).then(function (answer) {
      if (answer.status !== 202) return location.reload();
      return answer.text().then(function (text) {
        var now = new DOMParser().parseFromString(text, "text/html").querySelector("[data-until-ready]");
        if (!now) return location.reload();
        waits.replaceChildren.apply(waits, Array.from(now.childNodes));
        setTimeout(look, 1000);
      });
    }).catch(function () {
      setTimeout(look, 5000);
    });
  }
  if (waits) setTimeout(look, 1000);

  // Asks for confirmation before leaving a changed form that is not saved.
  var changed = false;
  document.addEventListener("input", function (event) {
    if (event.target.closest("form[data-keep]")) changed = true;
  });
  document.addEventListener("submit", function () {
    changed = false;
  });
  window.addEventListener("beforeunload", function (event) {
    if (changed) event.preventDefault();
  });
})();
