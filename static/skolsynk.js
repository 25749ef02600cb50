// Small helps; every page works without them.
(function () {
  "use strict";

  // What is chosen includes what is below it, so that cannot be ticked too. Of what comes when it
  // is opened, the server knows only what was saved.
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

  // Who writes in the fields of an alternative has chosen it.
  document.addEventListener("input", function (event) {
    var fields = event.target.closest("[data-chooses]");
    if (fields) document.getElementById(fields.dataset.chooses).checked = true;
  }, true);

  // Who goes on filling in while an answer is on its way loses nothing: the answer is let go, and
  // asked for again with what there is now.
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

  // What was swapped in is said to those who cannot see it.
  function say(event) {
    var said = document.getElementById("said");
    var text = event.target.querySelector && event.target.querySelector("[data-say]");
    if (said && text) said.textContent = text.textContent;
  }
  document.addEventListener("htmx:afterSwap", say);
  document.addEventListener("htmx:oobAfterSwap", say);

  // A page that waits looks whether it is ready, and is then shown.
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

  // Leaving a form that was changed and not saved is asked about.
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
