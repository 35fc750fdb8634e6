import pbjs from 'prebid.js';
import 'prebid.js/modules/consentManagementTcf';
import 'prebid.js/modules/nativeRendering';
import '../../integrations/prebid/adcascadeBidAdapter.js';

pbjs.processQueue();
