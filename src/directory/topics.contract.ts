import { type TopicContract } from '../relay/cloud-event.contract.js';
import { DIRECTORY_TOPIC, DirectoryMember, DirectoryResource, MEMBER_TYPE, RESOURCE_TYPE } from './directory.contract.js';

const envelope = { specversion: '1.0', source: 'platform/directory', time: '2026-11-27T09:00:00.000Z' } as const;

/** Topics by which this service is told who is in which team. */
export const DIRECTORY_TOPICS: readonly TopicContract[] = [
  {
    topic: DIRECTORY_TOPIC,
    summary: 'Who is in which team, and which rooms and equipment teams have. A message without a value takes out what its key names.',
    messages: [
      {
        type: MEMBER_TYPE,
        summary: 'All teams of a person; key `member:<user id>`.',
        schema: DirectoryMember,
        example: {
          ...envelope,
          id: '7d1f6c7e-40f4-4f0e-9a3f-1f4d5f0f6a11',
          type: MEMBER_TYPE,
          data: { userId: 'ada', teams: ['blue', 'red'] },
        },
      },
      {
        type: RESOURCE_TYPE,
        summary: 'A room or a piece of equipment; key `resource:<resource id>`.',
        schema: DirectoryResource,
        example: {
          ...envelope,
          id: '0d2b8f0a-7a3c-4d52-8d3f-64c1b7a0c0de',
          type: RESOURCE_TYPE,
          data: { resourceId: 'room-oak', kind: 'room', name: 'Oak', capacity: 8, timeZone: 'Europe/Paris', teams: ['blue'] },
        },
      },
    ],
  },
];
