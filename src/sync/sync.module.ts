import { Module } from '@nestjs/common';
import { SyncController } from './sync.controller.js';
import { OneSyncHandler } from './sync.query.js';
import { SyncNowHandler } from './sync-now.handler.js';

/** Syncs that people ask for. The work itself belongs to the role `sync`. */
@Module({ controllers: [SyncController], providers: [SyncNowHandler, OneSyncHandler] })
export class SyncModule {}
