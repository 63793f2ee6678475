import type * as Swagger from '@nestjs/swagger';

type Decorator = MethodDecorator & ClassDecorator;

/** What the document is to say, of routes and controllers in the order they were declared. */
const waiting: ((swagger: typeof Swagger) => void)[] = [];

/** A decorator of `@nestjs/swagger` under its own name, put off: the package takes as long to load as all else that answers requests. */
const putOff =
  <Parameters extends unknown[]>(pick: (swagger: typeof Swagger) => (...parameters: Parameters) => ClassDecorator | MethodDecorator) =>
  (...parameters: Parameters): Decorator =>
  (...target: unknown[]): void => {
    waiting.push((swagger) => {
      (pick(swagger)(...parameters) as (...target: unknown[]) => unknown)(...target);
    });
  };

export const ApiExcludeEndpoint = putOff((swagger) => swagger.ApiExcludeEndpoint);
export const ApiHeader = putOff((swagger) => swagger.ApiHeader);
export const ApiOperation = putOff((swagger) => swagger.ApiOperation);
export const ApiProduces = putOff((swagger) => swagger.ApiProduces);
export const ApiResponse = putOff((swagger) => swagger.ApiResponse);
export const ApiSecurity = putOff((swagger) => swagger.ApiSecurity);
export const ApiTags = putOff((swagger) => swagger.ApiTags);

/** Does what was put off; before a document is made. */
export const decorate = (swagger: typeof Swagger): void => {
  for (const apply of waiting.splice(0)) apply(swagger);
};
