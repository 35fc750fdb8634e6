// Everything that the console's pages run. The theme comes first: it stands before anything is painted.
import "./theme.js";
import "htmx.org";
import "./requests.js";
import "./address.js";
import "./forms.js";
import "./ticks.js";
import "./door.js";
import "./charts.js";
