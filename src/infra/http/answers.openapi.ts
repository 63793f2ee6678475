import { type z } from 'zod';
import { ApiResponse } from './openapi.decorators.js';

/**
 * Documents what a route answers: `@Answers(200, Meeting, 'The meeting as it stands.')`; without a schema the answer is empty or not JSON.
 * Failures need no mention: every route may answer a problem.
 *
 * The pattern of a controller; nothing but Nest's own decorators (each route says by `ApiOperation` what it is for), `Answers`, `Actor`,
 * `RequestCause` and `Public`:
 * ```ts
 * const Id = z.uuid();
 * const NewMeeting = z.strictObject({ title: z.string().min(1).max(500) }).meta({ id: 'NewMeeting' });
 * const Meeting = z.strictObject({ id: Id, title: z.string() }).meta({ id: 'Meeting' });
 * const Filter = z.strictObject({ limit: z.coerce.number().int().min(1).max(500).default(100) });
 *
 * @ApiTags('meetings')
 * @Controller('v1/meetings')
 * export class MeetingController {
 *   @Get()
 *   @ApiOperation({ summary: 'List one’s meetings' })
 *   @Answers(200, z.array(Meeting), 'The meetings of the person who asks.')
 *   list(@Query({ schema: Filter }) filter: z.output<typeof Filter>, @Actor() actor: Person) { … }
 *
 *   @Patch(':id')
 *   @ApiOperation({ summary: 'Change a meeting' })
 *   @Answers(200, Meeting, 'The meeting as it stands now.')
 *   change(
 *     @Param('id', { schema: Id }) id: string,
 *     @Body({ schema: NewMeeting }) body: z.output<typeof NewMeeting>,
 *     @Headers('if-match') ifMatch: string | undefined,           // expectedRevision(ifMatch), etag(revision) of revision.ts
 *     @RequestCause() cause: Cause,                               // goes into the command, and with it into the events' metadata
 *     @Res({ passthrough: true }) response: Response,
 *   ) { … }
 * }
 * ```
 * A schema with `.meta({ id })` becomes a named component of `/openapi.json`; one for `@Query` needs no id. Instants are
 * `z.iso.datetime({ offset: true })`: `z.date()` and bigints have no JSON Schema. What is answered is typed, not checked at run time.
 */
export const Answers = (status: number, schema: z.ZodType | null, description: string): MethodDecorator =>
  ApiResponse({ status, description, ...(schema === null ? {} : { standardSchema: schema }) });
