import { Module } from '@nestjs/common';
import { ChangeSettingsHandler } from './change-settings.handler.js';
import { SettingsController } from './settings.controller.js';
import { MySettingsHandler } from './settings.query.js';

/** What people choose for themselves, and for their calendars by the port that decides it (`CALENDAR_CHOICES`). */
@Module({ controllers: [SettingsController], providers: [ChangeSettingsHandler, MySettingsHandler] })
export class SettingsModule {}
