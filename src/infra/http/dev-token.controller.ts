import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from './openapi.decorators.js';
import { z } from 'zod';
import { ROLES_OF_PEOPLE, USER_ID } from '../../kernel/actor.js';
import { TEAMS, type Teams } from '../../kernel/teams.js';
import { Answers } from './answers.openapi.js';
import { Public } from './auth.guard.js';
import { DEV_TOKENS, type DevTokens } from './tokens.jose.js';

const name = z.string().regex(USER_ID, { error: 'must be 1 to 128 letters, digits or . _ : @ | -' });

const Person = z
  .strictObject({ userId: name, roles: z.array(z.enum(ROLES_OF_PEOPLE)).default(['user']), teams: z.array(name).max(500).default([]) })
  .meta({ id: 'DevPerson', example: { userId: 'ada', roles: ['user'], teams: ['blue'] } });
const Token = z
  .strictObject({ token: z.string() })
  .meta({ id: 'DevToken', example: { token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl' } });

/** Makes a token for anybody, without asking who they are; exists outside production only. */
@Public()
@ApiTags('development')
@Controller('v1/dev')
export class DevTokenController {
  constructor(
    @Inject(DEV_TOKENS) private readonly tokens: DevTokens,
    @Inject(TEAMS) private readonly teams: Teams,
  ) {}

  @Post('token')
  @HttpCode(200)
  @ApiOperation({ summary: 'Make a token for anybody' })
  @Answers(200, Token, 'A bearer token, good for twelve hours.')
  async issue(@Body({ schema: Person }) person: z.output<typeof Person>): Promise<z.output<typeof Token>> {
    await this.teams.remember(person);
    return { token: await this.tokens.issue(person) };
  }
}
