import { type RequestHandler } from 'express';
import { asPage } from './answer-headers.helmet.js';
import { type AsyncApiDocument } from './asyncapi.document.js';

/** Makes the document of the topics. */
export type DescribeTopics = () => Promise<AsyncApiDocument>;

type Answer = Readonly<{ type: string; text: string; style: string | null }>;

/** Answers `/asyncapi.json`, and `/docs/topics`, a page that shows it. Both are made when one is asked for the first time, as the API's own document is. */
export const topicPages = (describe: DescribeTopics): RequestHandler => {
  const make = async (): Promise<Readonly<Record<string, Answer>>> => {
    const { PAGE_STYLE, topicsPage } = await import('./topics.page.js');
    const document = await describe();
    return {
      '/asyncapi.json': { type: 'application/json', text: JSON.stringify(document), style: null },
      '/docs/topics': { type: 'html', text: topicsPage(document), style: PAGE_STYLE },
    };
  };
  let made: ReturnType<typeof make> | null = null;
  return (request, response, next) => {
    const path = request.path.toLowerCase().replace(/[/]$/, '');
    if (!['/asyncapi.json', '/docs/topics'].includes(path) || !['GET', 'HEAD'].includes(request.method)) {
      next();
      return;
    }
    made ??= make();
    made.then((answers) => {
      const { type, text, style } = answers[path] ?? { type: 'text', text: '', style: null };
      if (style !== null) asPage(response, style);
      response.type(type).send(text);
    }, next);
  };
};
