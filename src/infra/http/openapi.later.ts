import { type RequestListener } from 'node:http';
import { type ExceptionFilter } from '@nestjs/common';
import { type NestExpressApplication } from '@nestjs/platform-express';
import { type Request, type RequestHandler } from 'express';
import { type Log } from '../../kernel/log.js';
import { type Served } from './openapi.document.js';

/** What the API's document is asked for. */
export type Documents = Readonly<{
  /** Methods that would be answered at a path (`['GET', 'POST']`); empty when there is nothing. */
  methodsAt: (path: string) => Promise<readonly string[]>;
  /** Answers the document's own addresses and hands everything else on. */
  pages: (problems: ExceptionFilter) => RequestHandler;
}>;

const OURS = /^[/](?:openapi[.]json|docs(?:[/].*)?)$/;

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
};

/** The document of an application, made when it is asked for the first time: a start has no need of it, and few ever ask. */
export const documentsOf = (app: NestExpressApplication, log: Log, served: Served): Documents => {
  const making = once(async () => {
    const { openApiDocument, documentedMethods, documentPages } = await import('./openapi.document.js');
    const document = openApiDocument(app, served);
    return { document, methodsAt: documentedMethods(document), documentPages };
  });
  return {
    methodsAt: async (path) => (await making()).methodsAt(path),
    pages: (problems) => {
      const listening = once(async (): Promise<RequestListener> => {
        const { document, documentPages } = await making();
        return documentPages(document, log, problems);
      });
      return (request: Request, response, next) => {
        if (!OURS.test(request.path)) next();
        else
          listening().then((answer) => {
            answer(request, response);
          }, next);
      };
    },
  };
};
