/** Put in by the build; the sources run unbundled only under test. */
export const VERSION = process.env.HASP_VERSION ?? '0.0.0';
/** A hash of the match engine's sources. */
export const ENGINE = process.env.HASP_ENGINE;
