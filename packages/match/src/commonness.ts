/**
 * How often each byte stands in source code, machine code and text together, as a hexadecimal digit:
 * the logarithm of its share, to the base 2, plus 15. Only speed hangs on it: a string is best looked
 * for where it is least common.
 */
const SHARES =
  'a7655434579334275342322342222226c47753558895878877766665667857645978897789468788858987657556564a5a899b988a5898aa95aaa9777866563354266633481726224112232232112212411122124122221241222343534334446545434544224222434222334223222343333434653432344243224443444458';

export const COMMONNESS: Uint8Array = new Uint8Array(256);
for (let byte = 0; byte < 256; byte += 1) COMMONNESS[byte] = Number.parseInt(SHARES.charAt(byte), 16);
