import { PageError, readPdf } from './api.js';

export const MOST_CHARACTERS = 1_000_000;
const MOST_PDF_BYTES = 20 * 1024 * 1024;

/** The text of a file: {name, text, pages}. Text and Markdown are read here; PDF by the server, which has a reader for it. */
export async function readAttachment(file, apiKey) {
  const read = isPdf(file) ? await pdfText(file, apiKey) : { text: await plainText(file), pages: null };
  const text = read.text.trim();
  if (text === '') throw new PageError(`${file.name} has no text.`, 'A scanned document needs text recognition first.');
  if (text.length > MOST_CHARACTERS) throw tooLarge(file, `${text.length.toLocaleString()} characters`, `${MOST_CHARACTERS.toLocaleString()} characters`);
  return { name: file.name, text, pages: read.pages };
}

const isPdf = file => file.type === 'application/pdf' || file.name.toLowerCase().endsWith('.pdf');

function pdfText(file, apiKey) {
  if (file.size > MOST_PDF_BYTES) throw tooLarge(file, `${(file.size / 1048576).toFixed(1)} MB`, `${MOST_PDF_BYTES / 1048576} MB`);
  return readPdf(file, apiKey);
}

async function plainText(file) {
  // UTF-8 has at most four bytes for a character.
  if (file.size > 4 * MOST_CHARACTERS) throw tooLarge(file, `${file.size.toLocaleString()} bytes`, `${MOST_CHARACTERS.toLocaleString()} characters`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new PageError(`${file.name} is not text in UTF-8.`, 'Attach a text, Markdown or PDF file.');
  }
}

const tooLarge = (file, size, most) => new PageError(`${file.name} has ${size}; at most ${most} can be attached.`, 'Attach a part of it.');
