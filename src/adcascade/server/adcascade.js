/* Viewable impressions, measured as the Media Rating Council defines them for display and video.

   An element that says data-adcascade-view="URL" is watched. Once half of its pixels (of a large display ad, 242,500
   and more, three tenths) have been on screen for one continuous second, in a page that is in the foreground, the URL
   is fetched, once. data-adcascade-seconds="2" asks for two seconds, as video does.

   Elements that a page adds later: adcascade.watch(element). Works inside iframes, of other origins too. */
(function () {
  "use strict";
  if (window.adcascade || !("IntersectionObserver" in window)) { return; }

  var LARGE = 242500;  // pixels
  var STEPS = [0, 0.3, 0.5];

  function watch(element) {
    var url = element.getAttribute("data-adcascade-view");
    if (!url || element.adcascadeWatched) { return; }
    element.adcascadeWatched = true;
    var seconds = Number(element.getAttribute("data-adcascade-seconds")) || 1;
    var enough = false;
    var timer = 0;

    function settle() {
      var counts = enough && document.visibilityState === "visible";
      if (counts && !timer) { timer = setTimeout(report, seconds * 1000); }
      if (!counts && timer) { clearTimeout(timer); timer = 0; }
    }

    function look(entries) {
      var last = entries[entries.length - 1];
      var box = last.boundingClientRect;
      var video = seconds > 1;
      var share = !video && box.width * box.height >= LARGE ? 0.3 : 0.5;
      // a hair below the share: ratios are quotients of rounded pixels
      enough = last.isIntersecting && last.intersectionRatio >= share - 0.0001;
      if (!enough || entries.some(function (entry) { return entry.intersectionRatio < share - 0.0001; })) {
        clearTimeout(timer);
        timer = 0;
      }
      settle();
    }

    function report() {
      timer = 0;
      var waiting = observer.takeRecords();
      if (waiting.length) { look(waiting); return; }
      observer.disconnect();
      document.removeEventListener("visibilitychange", settle);
      new Image().src = url;
    }

    var observer = new IntersectionObserver(look, { threshold: STEPS });
    document.addEventListener("visibilitychange", settle);
    observer.observe(element);
  }

  function watchAll() {
    var found = document.querySelectorAll("[data-adcascade-view]");
    for (var place = 0; place < found.length; place += 1) { watch(found[place]); }
  }

  window.adcascade = { watch: watch, watchAll: watchAll };
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", watchAll);
  } else {
    watchAll();
  }
}());
