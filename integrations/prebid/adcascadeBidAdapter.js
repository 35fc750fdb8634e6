/**
 * adcascade for Prebid.js: a page's ad units become one OpenRTB request to the publisher's own ad server.
 *
 * Copy this file into `modules/` of a Prebid.js checkout and build with `--modules=adcascadeBidAdapter`,
 * or bundle it with the npm package; docs/prebid.md shows both. Nothing is stored in the browser, no user is synced.
 */
import { ortbConverter } from '../libraries/ortbConverter/converter.js';
import { registerBidder } from '../src/adapters/bidderFactory.js';
import { BANNER, NATIVE, VIDEO } from '../src/mediaTypes.js';
import { triggerPixel } from '../src/utils.js';

const CODE = 'adcascade';
const TTL = 300; // seconds that a bid may wait for its rendering; the server holds the money for longer
const TOLD = ['scenario', 'query']; // params of an ad unit that travel as `ext` of the request

const converter = ortbConverter({
  context: { netRevenue: true, ttl: TTL },

  imp(buildImp, bidRequest, context) {
    const imp = buildImp(bidRequest, context);
    // Prebid asks for https unless told otherwise; a page without https may show markup without it
    if (bidRequest.ortb2Imp?.secure == null && window.location.protocol === 'http:') imp.secure = 0;
    return imp;
  },

  request(buildRequest, imps, bidderRequest, context) {
    const request = buildRequest(imps, bidderRequest, context);
    const told = TOLD.filter((name) => context.params[name]).map((name) => [name, context.params[name]]);
    if (told.length) request.ext = { ...request.ext, ...Object.fromEntries(told) };
    return request;
  },

  // Prebid would put the win notice into a banner's markup, and only there; here it is called once for every format
  bidResponse(buildBidResponse, bid, context) {
    const { nurl, ...rest } = bid;
    return { ...buildBidResponse(rest, context), nurl };
  },
});

/** Units that go into one request: those that name the same server and the same page. */
function together(bidRequests) {
  const groups = new Map();
  bidRequests.forEach((bid) => {
    const key = JSON.stringify(['endpoint', ...TOLD].map((name) => bid.params[name]));
    groups.set(key, [...(groups.get(key) || []), bid]);
  });
  return [...groups.values()];
}

/** A notice with its price: what was offered, before the page's own adjustments and conversions. */
function notify(url, bid) {
  if (!url) return;
  const values = { AUCTION_PRICE: bid.originalCpm ?? bid.cpm, AUCTION_CURRENCY: bid.originalCurrency ?? bid.currency };
  triggerPixel(url.replace(/\$\{(AUCTION_PRICE|AUCTION_CURRENCY)\}/g, (_, name) => encodeURIComponent(values[name])));
}

export const spec = {
  code: CODE,
  supportedMediaTypes: [BANNER, NATIVE, VIDEO],

  /** params: endpoint (the URL of the server's /openrtb2/bid, required), scenario and query (strings, optional). */
  isBidRequestValid(bid) {
    const { params = {} } = bid;
    return /^https?:\/\/[^/]/.test(params.endpoint) && TOLD.every((name) => ['undefined', 'string'].includes(typeof params[name]));
  },

  buildRequests(bidRequests, bidderRequest) {
    return together(bidRequests).map((group) => ({
      method: 'POST',
      url: group[0].params.endpoint,
      data: converter.toORTB({ bidRequests: group, bidderRequest, context: { params: group[0].params } }),
      // text/plain saves the browser's preflight; the server takes it from the origins of its setting server.origins
      options: { contentType: 'text/plain', withCredentials: false },
    }));
  },

  interpretResponse(response, request) {
    return response.body?.seatbid ? converter.fromORTB({ request: request.data, response: response.body }).bids : [];
  },

  onBidWon(bid) {
    notify(bid.nurl, bid);
  },

  onBidBillable(bid) {
    notify(bid.burl, bid);
  },
};

registerBidder(spec);
