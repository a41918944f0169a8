"""Telling people and programs: subscriptions, deliveries, and the chat and mail they go to."""
