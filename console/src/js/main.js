// Everything that the console's pages run once they are there; theme.js alone runs before anything is painted.
import "htmx.org";
import "./requests.js";
import "./address.js";
import "./waiting.js";
import "./once.js";
import "./forms.js";
import "./ticks.js";
import "./door.js";
import "./charts.js";
import "./flash.js";
