/** The part of `sax` 1.6 that is used here; the package brings no types. */
declare module 'sax' {
  type QualifiedTag = Readonly<{
    uri: string;
    local: string;
    attributes: Readonly<Record<string, Readonly<{ local: string; value: string }>>>;
  }>;

  type Parser = {
    onopentag: (tag: QualifiedTag) => void;
    onclosetag: () => void;
    ontext: (text: string) => void;
    oncdata: (text: string) => void;
    ondoctype: () => void;
    onerror: (error: Error) => void;
    write: (chunk: string) => Parser;
    close: () => Parser;
  };

  const sax: { parser: (strict: boolean, options: Readonly<{ xmlns: boolean; position: boolean }>) => Parser };
  export default sax;
}
