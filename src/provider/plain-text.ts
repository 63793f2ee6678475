/** Text without control characters and halves of characters (a database refuses NUL) and without space around it; null when nothing is left. */
export const plainText = (text: string): string | null => {
  const plain = text.replace(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F\p{Surrogate}]/gu, '').trim();
  return plain === '' ? null : plain;
};

/** The lines of a text as one, without empty ones. */
export const oneLine = (text: string | null): string | null =>
  text
    ?.split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ') ?? null;
