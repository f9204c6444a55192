/**
 * How often each byte stands in source code, machine code and text together: log2 of its share, from
 * 0 (hardly ever) to 15. Only speed hangs on it: a string is best looked for where it is least common.
 */
const SHARES =
  'a7655434579334275342322342222226c47753558895878877766665667857645978897789468788858987657556564a5a899b988a5898aa95aaa9777866563354266633481726224112232232112212411122124122221241222343534334446545434544224222434222334223222343333434653432344243224443444458';

const SCALE = 0.5 ** 15;

/** By byte: its share, roughly. */
export const COMMONNESS: Float64Array = new Float64Array(256);
for (let byte = 0; byte < 256; byte += 1) COMMONNESS[byte] = 2 ** Number.parseInt(SHARES.charAt(byte), 16) * SCALE;
