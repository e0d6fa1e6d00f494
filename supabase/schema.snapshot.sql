-- The net schema after all migrations. Generated: python -m devstack run -- python -m devstack.snapshot
-- Not applied anywhere: the migrations are the truth, this is for reading and for seeing what a change does.

-- private/schema.sql
CREATE SCHEMA "private";

GRANT USAGE ON SCHEMA "private" TO "authenticated", "service_role";

COMMENT ON SCHEMA "private" IS 'Helpers and server-only tables. Not exposed by the Data API.';

-- public/schema.sql
COMMENT ON SCHEMA "public" IS 'standard public schema';

REVOKE ALL ON SCHEMA "public" FROM PUBLIC;

GRANT USAGE ON SCHEMA "public" TO PUBLIC;

REVOKE ALL ON SCHEMA "public" FROM "anon";

GRANT USAGE ON SCHEMA "public" TO "anon";

REVOKE ALL ON SCHEMA "public" FROM "authenticated";

GRANT USAGE ON SCHEMA "public" TO "authenticated";

REVOKE ALL ON SCHEMA "public" FROM "pg_database_owner";

GRANT CREATE, USAGE ON SCHEMA "public" TO "pg_database_owner";

REVOKE ALL ON SCHEMA "public" FROM "postgres";

GRANT CREATE, USAGE ON SCHEMA "public" TO "postgres";

REVOKE ALL ON SCHEMA "public" FROM "service_role";

GRANT USAGE ON SCHEMA "public" TO "service_role";

-- public/adp_wipes.sql
-- Clears assumed destination defaults before creating objects.
-- Safe to load on a project that does not have those defaults.

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON SEQUENCES FROM "anon";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON SEQUENCES FROM "authenticated";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON SEQUENCES FROM "service_role";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON FUNCTIONS FROM "anon";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON FUNCTIONS FROM "authenticated";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON FUNCTIONS FROM "service_role";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON TABLES FROM "anon";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON TABLES FROM "authenticated";

ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON TABLES FROM "service_role";

-- _cluster/extensions/pgcrypto.sql
CREATE EXTENSION "pgcrypto" SCHEMA "extensions";

COMMENT ON EXTENSION "pgcrypto" IS 'cryptographic functions';

-- _cluster/extensions/uuid-ossp.sql
CREATE EXTENSION "uuid-ossp" SCHEMA "extensions";

COMMENT ON EXTENSION "uuid-ossp" IS 'generate universally unique identifiers (UUIDs)';

-- private/types/conversation_filter.sql
CREATE TYPE "private"."conversation_filter" AS (
  "workspace_id"  uuid,
  "statuses"      text[],
  "read_marks"    boolean[],
  "by_assignee"   boolean,
  "assignee"      uuid,
  "states"        smallint[],
  "connections"   uuid[],
  "tags"          text[],
  "search"        text,
  "words"         text[],
  "parts"         text[],
  "number"        text,
  "contact_query" tsquery,
  "message_query" tsquery,
  "tag_query"     tsquery,
  "page_size"     integer,
  "before_at"     timestamp WITH time zone,
  "before_id"     uuid,
  "by_contact"    uuid[],
  "by_number"     uuid[],
  "by_message"    uuid[]
);

COMMENT ON TYPE "private"."conversation_filter" IS 'The filters of get_conversations, checked and made into queries.';

-- private/types/inbound_fact.sql
CREATE TYPE "private"."inbound_fact" AS (
  "event_id"             bigint,
  "kind"                 text,
  "phone_number_id"      text,
  "waba_id"              text,
  "display_phone_number" text,
  "occurred_at"          timestamp WITH time zone,
  "wa_id"                text,
  "bsuid"                text,
  "parent_bsuid"         text,
  "new_wa_id"            text,
  "new_bsuid"            text,
  "new_parent_bsuid"     text,
  "template_id"          text,
  "name"                 text,
  "language"             text,
  "details"              jsonb,
  "workspace_id"         uuid,
  "connection_id"        uuid
);

-- private/types/inbound_message.sql
CREATE TYPE "private"."inbound_message" AS (
  "event_id"        bigint,
  "phone_number_id" text,
  "wamid"           text,
  "wa_id"           text,
  "bsuid"           text,
  "parent_bsuid"    text,
  "group_id"        text,
  "profile_name"    text,
  "direction"       text,
  "status"          text,
  "imported"        boolean,
  "type"            text,
  "content"         jsonb,
  "reply_to_wamid"  text,
  "occurred_at"     timestamp WITH time zone,
  "media_id"        text,
  "media_mime_type" text,
  "media_sha256"    text,
  "media_filename"  text,
  "workspace_id"    uuid,
  "connection_id"   uuid
);

-- private/types/inbound_status.sql
CREATE TYPE "private"."inbound_status" AS (
  "event_id"        bigint,
  "phone_number_id" text,
  "wamid"           text,
  "status"          text,
  "participant"     text,
  "occurred_at"     timestamp WITH time zone,
  "callback_data"   text,
  "errors"          jsonb,
  "error"           jsonb,
  "details"         jsonb,
  "workspace_id"    uuid,
  "connection_id"   uuid
);

-- private/types/inbox_place.sql
CREATE TYPE "private"."inbox_place" AS (
  "conversation_id" uuid,
  "sort_at"         timestamp WITH time zone
);

-- private/types/listed_template.sql
CREATE TYPE "private"."listed_template" AS (
  "provider_template_id" text,
  "name"                 text,
  "language"             text,
  "category"             text,
  "status"               text,
  "quality"              text,
  "components"           jsonb,
  "reason"               text
);

-- private/types/media_result.sql
CREATE TYPE "private"."media_result" AS (
  "message_id"  uuid,
  "lease_token" uuid,
  "outcome"     text,
  "path"        text,
  "mime_type"   text,
  "size"        bigint,
  "sha256"      text,
  "width"       numeric,
  "height"      numeric,
  "duration"    numeric,
  "retry_after" double precision,
  "error"       jsonb
);

-- private/types/person.sql
CREATE TYPE "private"."person" AS (
  "workspace_id"    uuid,
  "connection_id"   uuid,
  "phone_number_id" text,
  "wa_id"           text,
  "bsuid"           text,
  "group_id"        text,
  "seen_at"         timestamp WITH time zone,
  "identifiers"     text[],
  "conversation_id" uuid
);

COMMENT ON TYPE "private"."person" IS 'Somebody who wrote, with everything they are known by.';

-- private/types/send_result.sql
CREATE TYPE "private"."send_result" AS (
  "message_id"      uuid,
  "lease_token"     uuid,
  "connection_id"   uuid,
  "conversation_id" uuid,
  "leased_at"       timestamp WITH time zone,
  "outcome"         text,
  "wamid"           text,
  "retry_after"     double precision,
  "scope"           text,
  "reason"          text,
  "error"           jsonb
);

-- public/types/conversation_details.sql
CREATE TYPE "public"."conversation_details" AS (
  "id"                       uuid,
  "workspace_id"             uuid,
  "connection_id"            uuid,
  "phone_number_id"          text,
  "phone"                    text,
  "bsuid"                    text,
  "group_id"                 text,
  "title"                    text,
  "contact"                  jsonb,
  "status"                   text,
  "is_read"                  boolean,
  "unread_count"             integer,
  "assigned_to"              uuid,
  "last_message_at"          timestamp WITH time zone,
  "last_message_preview"     text,
  "last_message_direction"   text,
  "last_customer_message_at" timestamp WITH time zone,
  "window_expires_at"        timestamp WITH time zone,
  "is_window_open"           boolean,
  "window_seconds_left"      integer,
  "cursor"                   text,
  "connection"               jsonb
);

COMMENT ON TYPE "public"."conversation_details" IS 'What get_conversation answers: a row of get_conversations with its connection, and its contact with attributes and notes.';

-- public/types/conversation_list_item.sql
CREATE TYPE "public"."conversation_list_item" AS (
  "id"                       uuid,
  "workspace_id"             uuid,
  "connection_id"            uuid,
  "phone_number_id"          text,
  "phone"                    text,
  "bsuid"                    text,
  "group_id"                 text,
  "title"                    text,
  "contact"                  jsonb,
  "status"                   text,
  "is_read"                  boolean,
  "unread_count"             integer,
  "assigned_to"              uuid,
  "last_message_at"          timestamp WITH time zone,
  "last_message_preview"     text,
  "last_message_direction"   text,
  "last_customer_message_at" timestamp WITH time zone,
  "window_expires_at"        timestamp WITH time zone,
  "is_window_open"           boolean,
  "window_seconds_left"      integer,
  "cursor"                   text
);

COMMENT ON TYPE "public"."conversation_list_item" IS 'A row of get_conversations.';

-- public/types/conversation_message.sql
CREATE TYPE "public"."conversation_message" AS (
  "id"               uuid,
  "conversation_id"  uuid,
  "direction"        text,
  "type"             text,
  "content"          jsonb,
  "status"           text,
  "error"            jsonb,
  "occurred_at"      timestamp WITH time zone,
  "sent_at"          timestamp WITH time zone,
  "delivered_at"     timestamp WITH time zone,
  "read_at"          timestamp WITH time zone,
  "failed_at"        timestamp WITH time zone,
  "edited_at"        timestamp WITH time zone,
  "revoked_at"       timestamp WITH time zone,
  "sent_by"          uuid,
  "client_reference" text,
  "media_status"     text,
  "media_path"       text,
  "media_mime_type"  text,
  "media_size"       bigint,
  "media_filename"   text,
  "media_width"      integer,
  "media_height"     integer,
  "media_duration"   real,
  "media_error"      jsonb,
  "profile_name"     text,
  "wamid"            text,
  "reply_to_wamid"   text,
  "reply_to"         jsonb,
  "reactions"        jsonb
);

COMMENT ON TYPE "public"."conversation_message" IS 'A row of get_conversation_messages.';

-- private/tables/connection_chores.sql
CREATE TABLE "private"."connection_chores" (
  "workspace_id"     uuid                     NOT NULL,
  "connection_id"    uuid                     NOT NULL,
  "kind"             text                     NOT NULL,
  "due_at"           timestamp with time zone NOT NULL DEFAULT now(),
  "attempts"         integer                  NOT NULL DEFAULT 0,
  "started_at"       timestamp with time zone,
  "done_at"          timestamp with time zone,
  "error"            jsonb,
  "lease_token"      uuid,
  "lease_expires_at" timestamp with time zone,
  CONSTRAINT "connection_chores_kind_check" CHECK ((kind = ANY (ARRAY['templates'::text, 'health'::text]))),
  CONSTRAINT "connection_chores_lease_token_key" UNIQUE (lease_token),
  CONSTRAINT "connection_chores_pkey" PRIMARY KEY (connection_id, kind),
  CONSTRAINT "connection_chores_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id)
    ON UPDATE CASCADE ON DELETE CASCADE
);

ALTER TABLE "private"."connection_chores"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX connection_chores_connection ON private.connection_chores USING btree (workspace_id, connection_id);

CREATE INDEX connection_chores_due ON private.connection_chores USING btree (due_at);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."connection_chores" TO "service_role";

COMMENT ON COLUMN "private"."connection_chores"."attempts" IS 'Tries since it was done last.';

COMMENT ON COLUMN "private"."connection_chores"."due_at" IS 'While somebody is at it, the end of the lease; earlier where it was asked for once more meanwhile.';

COMMENT ON COLUMN "private"."connection_chores"."error" IS 'Why the last try came to nothing; null when it was done.';

COMMENT ON TABLE "private"."connection_chores" IS 'What workers ask a provider about each number, and when next. One worker at a time does one of them.';

-- private/tables/connection_credentials.sql
CREATE TABLE "private"."connection_credentials" (
  "connection_id" uuid                     NOT NULL,
  "secret_id"     uuid                     NOT NULL,
  "updated_at"    timestamp with time zone NOT NULL DEFAULT now(),
  "from_backend"  boolean                  NOT NULL DEFAULT false,
  CONSTRAINT "connection_credentials_pkey" PRIMARY KEY (connection_id),
  CONSTRAINT "connection_credentials_connection_id_fkey" FOREIGN KEY (connection_id) REFERENCES public.whatsapp_connections(id) ON DELETE CASCADE
);

ALTER TABLE "private"."connection_credentials"
  ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER forget_credential
  AFTER DELETE ON private.connection_credentials
  FOR EACH ROW
  EXECUTE FUNCTION private.forget_credential();

CREATE TRIGGER hasten_chores
  AFTER INSERT OR UPDATE ON private.connection_credentials
  FOR EACH ROW
  EXECUTE FUNCTION private.hasten_chores();

CREATE TRIGGER note_backend
  BEFORE INSERT OR UPDATE ON private.connection_credentials
  FOR EACH ROW
  EXECUTE FUNCTION private.note_backend();

COMMENT ON COLUMN "private"."connection_credentials"."from_backend" IS 'Whether the backend has ever stored it, which asks the provider first; a member''s word alone is nobody else''s obstacle.';

COMMENT ON TABLE "private"."connection_credentials" IS 'Which Vault secret belongs to which number.';

-- private/tables/conversation_counts.sql
CREATE TABLE "private"."conversation_counts" (
  "id"           bigint  GENERATED ALWAYS AS IDENTITY NOT NULL,
  "workspace_id" uuid    NOT NULL,
  "total"        integer NOT NULL,
  "archived"     integer NOT NULL,
  "unread"       integer NOT NULL,
  CONSTRAINT "conversation_counts_pkey" PRIMARY KEY (id)
);

ALTER TABLE "private"."conversation_counts"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX conversation_counts_workspace ON private.conversation_counts USING btree (workspace_id);

GRANT DELETE, INSERT, SELECT ON TABLE "private"."conversation_counts" TO "service_role";

COMMENT ON TABLE "private"."conversation_counts" IS 'A workspace''s threads are the sum of its rows: all, archived, open and unread. No key to workspaces: they go with the last of one''s rows.';

-- private/tables/conversation_identifiers.sql
CREATE TABLE "private"."conversation_identifiers" (
  "connection_id"   uuid NOT NULL,
  "identifier"      text NOT NULL,
  "conversation_id" uuid NOT NULL,
  CONSTRAINT "conversation_identifiers_pkey" PRIMARY KEY (connection_id, identifier) INCLUDE (conversation_id),
  CONSTRAINT "conversation_identifiers_conversation_id_fkey" FOREIGN KEY (conversation_id) REFERENCES public.conversations(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT "conversation_identifiers_connection_id_fkey" FOREIGN KEY (connection_id) REFERENCES public.whatsapp_connections(id) ON DELETE CASCADE
);

ALTER TABLE "private"."conversation_identifiers"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX conversation_identifiers_conversation ON private.conversation_identifiers USING btree (conversation_id);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."conversation_identifiers" TO "service_role";

COMMENT ON TABLE "private"."conversation_identifiers" IS 'Phone key, BSUID or parent BSUID to conversation; the primary key decides who is first.';

-- private/tables/identity_changes.sql
CREATE TABLE "private"."identity_changes" (
  "connection_id" uuid                     NOT NULL,
  "identifier"    text                     NOT NULL,
  "occurred_at"   timestamp with time zone NOT NULL,
  "wa_id"         text                     NOT NULL DEFAULT ''::text,
  "bsuid"         text                     NOT NULL DEFAULT ''::text,
  CONSTRAINT "identity_changes_pkey" PRIMARY KEY (connection_id, identifier, occurred_at, wa_id, bsuid),
  CONSTRAINT "identity_changes_connection_id_fkey" FOREIGN KEY (connection_id) REFERENCES public.whatsapp_connections(id) ON DELETE CASCADE
);

ALTER TABLE "private"."identity_changes"
  ENABLE ROW LEVEL SECURITY;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."identity_changes" TO "service_role";

COMMENT ON TABLE "private"."identity_changes" IS 'WhatsApp said that a user goes on under another number or user id. Kept, since it may say so before we know the user.';

-- private/tables/inbox_places.sql
CREATE TABLE "private"."inbox_places" (
  "connection_id"     uuid                     NOT NULL,
  "state"             smallint                 NOT NULL,
  "sort_at"           timestamp with time zone NOT NULL,
  "conversation_id"   uuid                     NOT NULL,
  "assigned_to"       uuid,
  "window_expires_at" timestamp with time zone
);

ALTER TABLE "private"."inbox_places"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX inbox_places_assignee ON private.inbox_places USING btree (assigned_to, connection_id, state, sort_at, conversation_id)
  WHERE (assigned_to IS NOT NULL);

CREATE INDEX inbox_places_list ON private.inbox_places USING btree (connection_id, state, sort_at, conversation_id);

CREATE INDEX inbox_places_windows ON private.inbox_places USING btree (connection_id, window_expires_at)
  WHERE (state < 4);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."inbox_places" TO "service_role";

COMMENT ON COLUMN "private"."inbox_places"."state" IS 'Which of the eight lists it is in: 1 if somebody has it, 2 if it is unread, 4 if it is archived, added up (private.inbox_states).';

COMMENT ON TABLE "private"."inbox_places" IS 'Where each conversation stands in the inbox: copies of its columns, kept by triggers. No keys of its own: it is written as often as messages come.';

-- private/tables/invitation_tokens.sql
CREATE TABLE "private"."invitation_tokens" (
  "invitation_id" uuid  NOT NULL,
  "token_hash"    bytea NOT NULL,
  CONSTRAINT "invitation_tokens_pkey" PRIMARY KEY (invitation_id),
  CONSTRAINT "invitation_tokens_token_hash_key" UNIQUE (token_hash),
  CONSTRAINT "invitation_tokens_invitation_id_fkey" FOREIGN KEY (invitation_id) REFERENCES public.workspace_invitations(id) ON DELETE CASCADE
);

ALTER TABLE "private"."invitation_tokens"
  ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE "private"."invitation_tokens" IS 'SHA-256 of each invitation''s token; the token itself is told once, to whoever invites.';

-- private/tables/media_removals.sql
CREATE TABLE "private"."media_removals" (
  "prefix"       text                     NOT NULL,
  "workspace_id" uuid                     NOT NULL,
  "cause"        text                     NOT NULL,
  "available_at" timestamp with time zone NOT NULL DEFAULT now(),
  "watch_until"  timestamp with time zone NOT NULL DEFAULT now(),
  "attempts"     integer                  NOT NULL DEFAULT 0,
  "lease_token"  uuid,
  "error"        jsonb,
  CONSTRAINT "media_removals_cause_check" CHECK ((cause = ANY (ARRAY['deleted'::text, 'expired'::text]))),
  CONSTRAINT "media_removals_pkey" PRIMARY KEY (prefix)
);

ALTER TABLE "private"."media_removals"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX media_removals_waiting ON private.media_removals USING btree (available_at);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."media_removals" TO "service_role";

COMMENT ON COLUMN "private"."media_removals"."available_at" IS 'When it may be claimed; while it is leased, when the lease runs out.';

COMMENT ON COLUMN "private"."media_removals"."cause" IS 'deleted with its message or workspace, or expired by the workspace''s retention.';

COMMENT ON COLUMN "private"."media_removals"."watch_until" IS 'Until when somebody who does not know of the deletion may still put an object there.';

COMMENT ON TABLE "private"."media_removals" IS 'Prefixes of object names in whatsapp-media that must vanish. A row leaves when no object is left under it.';

-- private/tables/media_turns.sql
CREATE TABLE "private"."media_turns" (
  "workspace_id"  uuid                     NOT NULL,
  "connection_id" uuid                     NOT NULL,
  "claimed_at"    timestamp with time zone NOT NULL,
  CONSTRAINT "media_turns_pkey" PRIMARY KEY (workspace_id, connection_id)
);

ALTER TABLE "private"."media_turns"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX media_turns_age ON private.media_turns USING btree (claimed_at);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."media_turns" TO "service_role";

COMMENT ON TABLE "private"."media_turns" IS 'When files of a number were last claimed: whoever waited longest is served first. Forgotten after an hour.';

-- private/tables/message_id_secret.sql
CREATE TABLE "private"."message_id_secret" (
  "secret" uuid NOT NULL DEFAULT gen_random_uuid()
);

ALTER TABLE "private"."message_id_secret"
  ENABLE ROW LEVEL SECURITY;

COMMENT ON TABLE "private"."message_id_secret" IS 'One row: without it nobody can tell from a message''s id in which hour it was made.';

-- private/tables/outbound_numbers.sql
CREATE TABLE "private"."outbound_numbers" (
  "connection_id" uuid                       NOT NULL,
  "done_at"       timestamp with time zone[] NOT NULL DEFAULT '{}'::timestamp WITH time zone[],
  "done"          integer[]                  NOT NULL DEFAULT '{}'::integer[],
  "narrowed_to"   double precision,
  "narrowed_at"   timestamp with time zone,
  "held_until"    timestamp with time zone,
  "strikes"       integer                    NOT NULL DEFAULT 0,
  CONSTRAINT "outbound_numbers_pkey" PRIMARY KEY (connection_id),
  CONSTRAINT "outbound_numbers_connection_id_fkey" FOREIGN KEY (connection_id) REFERENCES public.whatsapp_connections(id) ON DELETE CASCADE
);

ALTER TABLE "private"."outbound_numbers"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "private"."outbound_numbers"
  SET (fillfactor=50);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."outbound_numbers" TO "service_role";

COMMENT ON COLUMN "private"."outbound_numbers"."done" IS 'How many sends ended at each of done_at.';

COMMENT ON COLUMN "private"."outbound_numbers"."narrowed_to" IS 'Messages per second at narrowed_at; doubles every 30 seconds until it is the connection''s own rate again.';

COMMENT ON TABLE "private"."outbound_numbers" IS 'The pace of each number: sends of the last second, and how far WhatsApp has told it to slow down.';

-- private/tables/outbound_pairs.sql
CREATE TABLE "private"."outbound_pairs" (
  "conversation_id" uuid                     NOT NULL,
  "paid_at"         timestamp with time zone NOT NULL DEFAULT '-infinity'::timestamp WITH time zone,
  "held_until"      timestamp with time zone,
  "strikes"         integer                  NOT NULL DEFAULT 0,
  CONSTRAINT "outbound_pairs_pkey" PRIMARY KEY (conversation_id)
);

ALTER TABLE "private"."outbound_pairs"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "private"."outbound_pairs"
  SET (fillfactor=70);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."outbound_pairs" TO "service_role";

COMMENT ON COLUMN "private"."outbound_pairs"."paid_at" IS 'When every message so far is paid for at one per 6 seconds; 44 may be owed.';

COMMENT ON TABLE "private"."outbound_pairs" IS 'The pace of each conversation. Its row is also the lock under which the head of a conversation changes.';

-- private/tables/receipts.sql
CREATE TABLE "private"."receipts" (
  "workspace_id"     uuid                     NOT NULL,
  "conversation_id"  uuid                     NOT NULL,
  "kind"             text                     NOT NULL,
  "connection_id"    uuid                     NOT NULL,
  "message_id"       uuid                     NOT NULL,
  "wamid"            text                     NOT NULL,
  "created_at"       timestamp with time zone NOT NULL DEFAULT now(),
  "available_at"     timestamp with time zone NOT NULL DEFAULT now(),
  "attempts"         integer                  NOT NULL DEFAULT 0,
  "lease_token"      uuid,
  "lease_expires_at" timestamp with time zone,
  CONSTRAINT "receipts_kind_check" CHECK ((kind = ANY (ARRAY['read'::text, 'typing'::text]))),
  CONSTRAINT "receipts_pkey" PRIMARY KEY (conversation_id, kind),
  CONSTRAINT "receipts_workspace_id_conversation_id_fkey" FOREIGN KEY (workspace_id, conversation_id) REFERENCES public.conversations(workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE "private"."receipts"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX receipts_waiting ON private.receipts USING btree (available_at);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."receipts" TO "service_role";

COMMENT ON COLUMN "private"."receipts"."message_id" IS 'The customer''s message that is marked; WhatsApp marks those before it, too.';

COMMENT ON TABLE "private"."receipts" IS 'The newest receipt of each kind that a conversation still has to get. Tried three times, then dropped.';

-- private/tables/retention_walks.sql
CREATE TABLE "private"."retention_walks" (
  "workspace_id" uuid                     NOT NULL,
  "reached"      text                     NOT NULL DEFAULT ''::text,
  "next_at"      timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "retention_walks_pkey" PRIMARY KEY (workspace_id),
  CONSTRAINT "retention_walks_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "private"."retention_walks"
  ENABLE ROW LEVEL SECURITY;

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."retention_walks" TO "service_role";

COMMENT ON TABLE "private"."retention_walks" IS 'When a workspace''s files are looked at next, and how far the walk over its outgoing ones has come.';

-- private/tables/uploaded_media.sql
CREATE TABLE "private"."uploaded_media" (
  "workspace_id"  uuid                     NOT NULL,
  "connection_id" uuid                     NOT NULL,
  "path"          text                     NOT NULL,
  "version"       text                     NOT NULL,
  "media_id"      text                     NOT NULL,
  "uploaded_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "uploaded_media_path_check" CHECK ((octet_length(path) <= 1024)),
  CONSTRAINT "uploaded_media_pkey" PRIMARY KEY (connection_id, path),
  CONSTRAINT "uploaded_media_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id) ON UPDATE CASCADE
    ON DELETE CASCADE
);

ALTER TABLE "private"."uploaded_media"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX uploaded_media_age ON private.uploaded_media USING btree (uploaded_at);

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "private"."uploaded_media" TO "service_role";

COMMENT ON COLUMN "private"."uploaded_media"."version" IS 'Which bytes were uploaded, and as what: an object that is overwritten gets another.';

COMMENT ON TABLE "private"."uploaded_media" IS 'The newest upload of each file to each number. WhatsApp keeps one for 30 days; here it is good for 29.';

-- private/tables/window_counts.sql
CREATE TABLE "private"."window_counts" (
  "workspace_id" uuid                     NOT NULL,
  "quarter"      timestamp with time zone NOT NULL,
  "windows"      integer                  NOT NULL
);

ALTER TABLE "private"."window_counts"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX window_counts_workspace ON private.window_counts USING btree (workspace_id, quarter);

GRANT DELETE, INSERT, SELECT ON TABLE "private"."window_counts" TO "service_role";

COMMENT ON TABLE "private"."window_counts" IS 'How many windows of a workspace''s open threads end in a quarter of an hour: the sum of its rows. What is over means nothing any more. No key to workspaces: they go with theirs.';

-- public/tables/canned_replies.sql
CREATE TABLE "public"."canned_replies" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id" uuid                     NOT NULL,
  "shortcut"     text                     NOT NULL,
  "body"         text                     NOT NULL,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "canned_replies_body_check" CHECK (((char_length(body) >= 1) AND (char_length(body) <= 4096))),
  CONSTRAINT "canned_replies_pkey" PRIMARY KEY (id),
  CONSTRAINT "canned_replies_shortcut_check" CHECK ((shortcut ~ '^\S{1,50}$'::text)),
  CONSTRAINT "canned_replies_workspace_id_shortcut_key" UNIQUE (workspace_id, shortcut),
  CONSTRAINT "canned_replies_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."canned_replies"
  ENABLE ROW LEVEL SECURITY;

CREATE TRIGGER check_canned_reply
  BEFORE INSERT OR UPDATE OF shortcut, body ON public.canned_replies
  FOR EACH ROW
  WHEN ((CURRENT_USER = 'authenticated'::name))
  EXECUTE FUNCTION private.check_canned_reply();

CREATE POLICY "members change canned replies" ON "public"."canned_replies"
  FOR UPDATE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)))
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members delete canned replies" ON "public"."canned_replies"
  FOR DELETE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members read canned replies" ON "public"."canned_replies"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members write canned replies" ON "public"."canned_replies"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

COMMENT ON TABLE "public"."canned_replies" IS 'Texts that a workspace answers with again and again, each under a word without spaces.';

REVOKE ALL ON TABLE "public"."canned_replies" FROM "authenticated";

REVOKE ALL ("body") ON TABLE "public"."canned_replies" FROM "authenticated";

GRANT INSERT ("body"), UPDATE ("body") ON TABLE "public"."canned_replies" TO "authenticated";

REVOKE ALL ("shortcut") ON TABLE "public"."canned_replies" FROM "authenticated";

GRANT INSERT ("shortcut"), UPDATE ("shortcut") ON TABLE "public"."canned_replies" TO "authenticated";

REVOKE ALL ("workspace_id") ON TABLE "public"."canned_replies" FROM "authenticated";

GRANT INSERT ("workspace_id") ON TABLE "public"."canned_replies" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."canned_replies" TO "authenticated";

REVOKE ALL ON TABLE "public"."canned_replies" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."canned_replies" TO "service_role";

REVOKE ALL ON TABLE "public"."canned_replies" FROM "anon";

-- public/tables/contact_notes.sql
CREATE TABLE "public"."contact_notes" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id" uuid                     NOT NULL,
  "contact_id"   uuid                     NOT NULL,
  "body"         text                     NOT NULL,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "contact_notes_body_check" CHECK (((char_length(body) >= 1) AND (char_length(body) <= 10000))),
  CONSTRAINT "contact_notes_pkey" PRIMARY KEY (id),
  CONSTRAINT "contact_notes_workspace_id_id_key" UNIQUE (workspace_id, id),
  CONSTRAINT "contact_notes_workspace_id_contact_id_fkey" FOREIGN KEY (workspace_id, contact_id) REFERENCES public.contacts(workspace_id, id) ON DELETE CASCADE,
  "created_by"   uuid                     DEFAULT auth.uid()
);

ALTER TABLE "public"."contact_notes"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX contact_notes_contact ON public.contact_notes USING btree (workspace_id, contact_id, created_at DESC);

CREATE TRIGGER check_note
  BEFORE INSERT OR UPDATE OF body ON public.contact_notes
  FOR EACH ROW
  WHEN ((CURRENT_USER = 'authenticated'::name))
  EXECUTE FUNCTION private.check_note();

CREATE POLICY "members change notes" ON "public"."contact_notes"
  FOR UPDATE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)))
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members delete notes" ON "public"."contact_notes"
  FOR DELETE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members read notes" ON "public"."contact_notes"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members write notes" ON "public"."contact_notes"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

COMMENT ON TABLE "public"."contact_notes" IS 'What members write down about a contact, for each other. It goes with the contact.';

REVOKE ALL ON TABLE "public"."contact_notes" FROM "authenticated";

COMMENT ON COLUMN "public"."contact_notes"."created_by" IS 'Whose session wrote it; stays when they leave.';

REVOKE ALL ("body") ON TABLE "public"."contact_notes" FROM "authenticated";

GRANT INSERT ("body"), UPDATE ("body") ON TABLE "public"."contact_notes" TO "authenticated";

REVOKE ALL ("contact_id") ON TABLE "public"."contact_notes" FROM "authenticated";

GRANT INSERT ("contact_id") ON TABLE "public"."contact_notes" TO "authenticated";

REVOKE ALL ("workspace_id") ON TABLE "public"."contact_notes" FROM "authenticated";

GRANT INSERT ("workspace_id") ON TABLE "public"."contact_notes" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."contact_notes" TO "authenticated";

REVOKE ALL ON TABLE "public"."contact_notes" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."contact_notes" TO "service_role";

REVOKE ALL ON TABLE "public"."contact_notes" FROM "anon";

-- public/tables/contacts.sql
CREATE TABLE "public"."contacts" (
  "id"           uuid NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id" uuid NOT NULL,
  "phone"        text,
  CONSTRAINT "contacts_phone_check" CHECK ((phone ~ '^\+[1-9][0-9]{4,14}$'::text)),
  CONSTRAINT "contacts_pkey" PRIMARY KEY (id),
  CONSTRAINT "contacts_workspace_id_id_key" UNIQUE (workspace_id, id),
  CONSTRAINT "contacts_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."contacts"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."contacts"
  SET (fillfactor=90);

CREATE TRIGGER await_recordings_of
  BEFORE DELETE ON public.contacts
  FOR EACH ROW
  WHEN ((COALESCE(current_setting('wabase.merging_contacts'::text, true), 'off'::text) <> 'on'::text))
  EXECUTE FUNCTION private.await_recordings();

CREATE TRIGGER await_recordings
  BEFORE DELETE ON public.contacts
  FOR EACH STATEMENT
  WHEN ((COALESCE(current_setting('wabase.merging_contacts'::text, true), 'off'::text) <> 'on'::text))
  EXECUTE FUNCTION private.await_recordings();

CREATE POLICY "members add contacts" ON "public"."contacts"
  FOR INSERT
  TO "authenticated"
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members change contacts" ON "public"."contacts"
  FOR UPDATE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)))
  WITH CHECK ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members delete contacts" ON "public"."contacts"
  FOR DELETE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "members read contacts" ON "public"."contacts"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

REVOKE ALL ON TABLE "public"."contacts" FROM "authenticated";

ALTER TABLE "public"."contacts"
  ADD COLUMN "phone_key" text GENERATED ALWAYS AS (private.phone_key(phone)) STORED;

ALTER TABLE "public"."contacts"
  ADD COLUMN "bsuid" text;

ALTER TABLE "public"."contacts"
  ADD COLUMN "name" text;

ALTER TABLE "public"."contacts"
  ADD COLUMN "synced_name" text;

ALTER TABLE "public"."contacts"
  ADD COLUMN "synced_name_at" timestamp WITH time zone;

ALTER TABLE "public"."contacts"
  ADD COLUMN "profile_name" text;

ALTER TABLE "public"."contacts"
  ADD COLUMN "profile_name_at" timestamp WITH time zone;

ALTER TABLE "public"."contacts"
  ADD COLUMN "tags" text[] NOT NULL DEFAULT '{}'::text[];

ALTER TABLE "public"."contacts"
  ADD COLUMN "attributes" jsonb NOT NULL DEFAULT '{}'::jsonb;

ALTER TABLE "public"."contacts"
  ADD COLUMN "marketing_opted_out_at" timestamp WITH time zone;

ALTER TABLE "public"."contacts"
  ADD COLUMN "marketing_preference_at" timestamp WITH time zone;

ALTER TABLE "public"."contacts"
  ADD COLUMN "created_at" timestamp WITH time zone NOT NULL DEFAULT now();

ALTER TABLE "public"."contacts"
  ADD CONSTRAINT "contacts_attributes_check" CHECK ((jsonb_typeof(attributes) = 'object'::text));

ALTER TABLE "public"."contacts"
  ADD CONSTRAINT "contacts_workspace_id_bsuid_key" UNIQUE (workspace_id, bsuid);

CREATE TRIGGER check_contact
  BEFORE INSERT OR UPDATE OF phone, name, tags, attributes ON public.contacts
  FOR EACH ROW
  WHEN ((CURRENT_USER = 'authenticated'::name))
  EXECUTE FUNCTION private.check_contact();

ALTER TABLE "public"."contacts"
  ADD CONSTRAINT "contacts_workspace_id_phone_key_key" UNIQUE (workspace_id, phone_key);

CREATE INDEX contacts_words ON public.contacts USING gin (private.contact_words(workspace_id, name, profile_name, phone, tags));

COMMENT ON COLUMN "public"."contacts"."phone" IS 'E.164 with its plus sign; null for people known by a username only.';

COMMENT ON TABLE "public"."contacts" IS 'People of a workspace. name is what a person of the workspace gave; profile_name is what WhatsApp says.';

COMMENT ON COLUMN "public"."contacts"."bsuid" IS 'The business-scoped user id under which WhatsApp last showed this person.';

COMMENT ON COLUMN "public"."contacts"."marketing_preference_at" IS 'The provider''s clock for what this person last said about marketing, stop or resume.';

COMMENT ON COLUMN "public"."contacts"."phone_key" IS 'Computed: the form in which variants of one number are equal.';

COMMENT ON COLUMN "public"."contacts"."profile_name_at" IS 'A moment at which profile_name was the person''s name; later messages may say it, too.';

COMMENT ON COLUMN "public"."contacts"."synced_name" IS 'What the phone''s address book says; it is the name, too, until a person of the workspace gives another.';

COMMENT ON COLUMN "public"."contacts"."synced_name_at" IS 'The provider''s clock for synced_name.';

REVOKE ALL ("phone") ON TABLE "public"."contacts" FROM "authenticated";

GRANT INSERT ("phone"), UPDATE ("phone") ON TABLE "public"."contacts" TO "authenticated";

REVOKE ALL ("workspace_id") ON TABLE "public"."contacts" FROM "authenticated";

GRANT INSERT ("workspace_id") ON TABLE "public"."contacts" TO "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."contacts" TO "authenticated";

REVOKE ALL ON TABLE "public"."contacts" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."contacts" TO "service_role";

REVOKE ALL ("attributes") ON TABLE "public"."contacts" FROM "authenticated";

GRANT INSERT ("attributes"), UPDATE ("attributes") ON TABLE "public"."contacts" TO "authenticated";

REVOKE ALL ("name") ON TABLE "public"."contacts" FROM "authenticated";

GRANT INSERT ("name"), UPDATE ("name") ON TABLE "public"."contacts" TO "authenticated";

REVOKE ALL ("tags") ON TABLE "public"."contacts" FROM "authenticated";

GRANT INSERT ("tags"), UPDATE ("tags") ON TABLE "public"."contacts" TO "authenticated";

REVOKE ALL ON TABLE "public"."contacts" FROM "anon";

-- public/tables/conversations.sql
CREATE TABLE "public"."conversations" (
  "id"                       uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id"             uuid                     NOT NULL,
  "connection_id"            uuid                     NOT NULL,
  "phone_number_id"          text                     NOT NULL,
  "phone"                    text,
  "bsuid"                    text,
  "group_id"                 text,
  "contact_id"               uuid,
  "status"                   text                     NOT NULL DEFAULT 'open'::text,
  "unread_count"             integer                  NOT NULL DEFAULT 0,
  "is_read"                  boolean                  GENERATED ALWAYS AS ((unread_count = 0)) STORED NOT NULL,
  "read_through"             bigint                   NOT NULL DEFAULT 0,
  "last_customer_message_at" timestamp with time zone,
  "window_expires_at"        timestamp with time zone,
  "last_message_at"          timestamp with time zone,
  "last_message_seq"         bigint,
  "last_message_preview"     text,
  "last_message_direction"   text,
  "assigned_to"              uuid,
  "created_at"               timestamp with time zone NOT NULL DEFAULT now(),
  "sort_at"                  timestamp with time zone GENERATED ALWAYS AS (COALESCE(last_message_at, created_at)) STORED NOT NULL,
  CONSTRAINT "conversations_check" CHECK ((num_nonnulls(phone, bsuid, group_id) > 0)),
  CONSTRAINT "conversations_last_message_direction_check" CHECK ((last_message_direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))),
  CONSTRAINT "conversations_pkey" PRIMARY KEY (id),
  CONSTRAINT "conversations_status_check" CHECK ((status = ANY (ARRAY['open'::text, 'archived'::text]))),
  CONSTRAINT "conversations_unread_count_check" CHECK ((unread_count >= 0)),
  CONSTRAINT "conversations_workspace_id_contact_id_fkey" FOREIGN KEY (workspace_id, contact_id) REFERENCES public.contacts(workspace_id, id) ON DELETE SET NULL (contact_id),
  CONSTRAINT "conversations_workspace_id_id_key" UNIQUE (workspace_id, id),
  CONSTRAINT "conversations_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id),
  CONSTRAINT "conversations_workspace_id_assigned_to_fkey" FOREIGN KEY (workspace_id, assigned_to) REFERENCES public.workspace_members(workspace_id, user_id) ON DELETE
    SET NULL (assigned_to),
  CONSTRAINT "conversations_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."conversations"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."conversations"
  SET (fillfactor=80);

CREATE INDEX conversations_assignee ON public.conversations USING btree (workspace_id, assigned_to)
  WHERE (assigned_to IS NOT NULL);

CREATE INDEX conversations_connection ON public.conversations USING btree (workspace_id, connection_id);

CREATE INDEX conversations_contact ON public.conversations USING btree (workspace_id, contact_id);

CREATE TRIGGER add_places
  AFTER INSERT ON public.conversations REFERENCING NEW TABLE AS new_conversations
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.add_places();

CREATE TRIGGER broadcast_deletes
  AFTER DELETE ON public.conversations REFERENCING OLD TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_conversations();

CREATE TRIGGER broadcast_inserts
  AFTER INSERT ON public.conversations REFERENCING NEW TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_conversations();

CREATE TRIGGER broadcast_updates
  AFTER UPDATE ON public.conversations REFERENCING NEW TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_conversations();

CREATE TRIGGER count_added AFTER INSERT ON public.conversations REFERENCING NEW TABLE AS changed_conversations FOR EACH STATEMENT EXECUTE FUNCTION private.count_conversations (
  '1'
);

CREATE TRIGGER count_changed
  AFTER UPDATE ON public.conversations REFERENCING OLD TABLE AS conversations_before NEW TABLE AS conversations_now
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.recount_conversations();

CREATE TRIGGER count_removed AFTER DELETE ON public.conversations REFERENCING OLD TABLE AS changed_conversations FOR EACH STATEMENT EXECUTE FUNCTION private.count_conversations (
  '-1'
);

CREATE TRIGGER end_outbound
  BEFORE DELETE ON public.conversations
  FOR EACH ROW
  EXECUTE FUNCTION private.end_outbound();

CREATE TRIGGER fill_conversation
  BEFORE INSERT ON public.conversations
  FOR EACH ROW
  WHEN ((new.phone_number_id IS NULL))
  EXECUTE FUNCTION private.fill_conversation();

CREATE TRIGGER move_places
  AFTER UPDATE ON public.conversations REFERENCING OLD TABLE AS conversations_before
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.move_places();

CREATE TRIGGER register_identifiers
  AFTER INSERT ON public.conversations
  FOR EACH ROW
  EXECUTE FUNCTION private.register_identifiers();

CREATE TRIGGER remove_places
  AFTER DELETE ON public.conversations REFERENCING OLD TABLE AS old_conversations
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.remove_places();

CREATE POLICY "members read conversations" ON "public"."conversations"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

COMMENT ON COLUMN "public"."conversations"."bsuid" IS 'The business-scoped user id, verbatim.';

COMMENT ON COLUMN "public"."conversations"."group_id" IS 'A group thread: whoever writes in the group writes here; it has no phone, no user id and no contact.';

COMMENT ON COLUMN "public"."conversations"."phone" IS 'The wa_id exactly as the provider sends it; null for users who show a username only.';

COMMENT ON COLUMN "public"."conversations"."read_through" IS 'Arrival number of the newest message when it was last marked as read; unread_count counts customer messages after it.';

COMMENT ON COLUMN "public"."conversations"."sort_at" IS 'Its place in the inbox: when its newest message was; of a thread without any, when it was made.';

COMMENT ON COLUMN "public"."conversations"."window_expires_at" IS 'Until when free-form messages may be sent: the last customer message plus 24 hours.';

COMMENT ON TABLE "public"."conversations" IS 'One thread per WhatsApp user and number. Its statistics are kept by triggers on messages.';

REVOKE ALL ON TABLE "public"."conversations" FROM "authenticated";

GRANT SELECT ON TABLE "public"."conversations" TO "authenticated";

REVOKE ALL ON TABLE "public"."conversations" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."conversations" TO "service_role";

REVOKE ALL ON TABLE "public"."conversations" FROM "anon";

-- public/tables/media_downloads.sql
CREATE TABLE "public"."media_downloads" (
  "message_id"       uuid                     NOT NULL,
  "workspace_id"     uuid                     NOT NULL,
  "connection_id"    uuid                     NOT NULL,
  "object_name"      text                     NOT NULL,
  "media_id"         text                     NOT NULL,
  "sha256"           text,
  "deadline"         timestamp with time zone NOT NULL,
  "available_at"     timestamp with time zone,
  "attempts"         integer                  NOT NULL DEFAULT 0,
  "lease_token"      uuid,
  "lease_expires_at" timestamp with time zone,
  CONSTRAINT "media_downloads_pkey" PRIMARY KEY (message_id),
  CONSTRAINT "media_downloads_workspace_id_message_id_fkey" FOREIGN KEY (workspace_id, message_id) REFERENCES public.messages(workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE "public"."media_downloads"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."media_downloads"
  SET (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=500, fillfactor=70);

CREATE INDEX media_downloads_deadline ON public.media_downloads USING btree (deadline)
  WHERE (lease_token IS NULL);

CREATE INDEX media_downloads_leased ON public.media_downloads USING btree (connection_id, lease_expires_at)
  WHERE (lease_expires_at IS NOT NULL);

CREATE INDEX media_downloads_message ON public.media_downloads USING btree (workspace_id, message_id);

CREATE INDEX media_downloads_ready ON public.media_downloads USING btree (connection_id, available_at NULLS FIRST, deadline, message_id)
  WHERE (lease_token IS NULL);

CREATE TRIGGER await_removals
  AFTER INSERT ON public.media_downloads REFERENCING NEW TABLE AS queued_downloads
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.await_removals();

CREATE TRIGGER remove_download_files
  AFTER DELETE ON public.media_downloads REFERENCING OLD TABLE AS removed_downloads
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.remove_download_files();

CREATE TRIGGER ring_worker
  AFTER INSERT ON public.media_downloads REFERENCING NEW TABLE AS queued_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.ring_worker();

COMMENT ON COLUMN "public"."media_downloads"."attempts" IS 'How often it has been claimed and not given back.';

COMMENT ON COLUMN "public"."media_downloads"."available_at" IS 'Not before: an attempt that failed for a while. Null: at any time. A claim makes it null when its time has come; what waits longer is walked through by none.';

COMMENT ON COLUMN "public"."media_downloads"."deadline" IS 'When the provider forgets the file. Past it nobody asks any more, and the sweep ends the wait.';

COMMENT ON TABLE "public"."media_downloads" IS 'Files that still have to be fetched. Its rows ring the worker through Realtime.';

REVOKE ALL ON TABLE "public"."media_downloads" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."media_downloads" TO "service_role";

REVOKE ALL ON TABLE "public"."media_downloads" FROM "anon", "authenticated";

-- public/tables/message_statuses.sql
CREATE TABLE "public"."message_statuses" (
  "workspace_id"  uuid                     NOT NULL,
  "connection_id" uuid                     NOT NULL,
  "wamid"         text                     NOT NULL,
  "status"        text                     NOT NULL,
  "participant"   text                     NOT NULL DEFAULT ''::text,
  "occurred_at"   timestamp with time zone NOT NULL,
  "callback_data" text,
  "errors"        jsonb,
  "error"         jsonb,
  "details"       jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "event_id"      bigint,
  "received_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "message_statuses_pkey" PRIMARY KEY (connection_id, wamid, status, participant),
  CONSTRAINT "message_statuses_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE "public"."message_statuses"
  ENABLE ROW LEVEL SECURITY;

COMMENT ON COLUMN "public"."message_statuses"."callback_data" IS 'The id of our message, echoed by WhatsApp (biz_opaque_callback_data).';

COMMENT ON COLUMN "public"."message_statuses"."error" IS 'The first of its errors in the shape of messages.error, with its class and what to do.';

COMMENT ON COLUMN "public"."message_statuses"."event_id" IS 'The event of the journal that told it; it may be gone from there.';

COMMENT ON COLUMN "public"."message_statuses"."participant" IS 'Who in a group it speaks of; empty for a single recipient.';

COMMENT ON TABLE "public"."message_statuses" IS 'Delivery reports as they came. A message''s status is always a function of this set, whatever the order of arrival.';

REVOKE ALL ON TABLE "public"."message_statuses" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."message_statuses" TO "service_role";

REVOKE ALL ON TABLE "public"."message_statuses" FROM "anon", "authenticated";

-- public/tables/message_templates.sql
CREATE TABLE "public"."message_templates" (
  "id"                   uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id"         uuid                     NOT NULL,
  "connection_id"        uuid                     NOT NULL,
  "provider_template_id" text,
  "name"                 text                     NOT NULL,
  "language"             text                     NOT NULL,
  "category"             text,
  "status"               text                     NOT NULL,
  "quality"              text,
  "components"           jsonb                    NOT NULL DEFAULT '[]'::jsonb,
  "reason"               text,
  "as_of"                jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "synced_at"            timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "message_templates_pkey" PRIMARY KEY (id),
  CONSTRAINT "message_templates_workspace_id_connection_id_name_language_key" UNIQUE (workspace_id, connection_id, name, LANGUAGE),
  CONSTRAINT "message_templates_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id)
    ON DELETE CASCADE,
  CONSTRAINT "message_templates_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."message_templates"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX message_templates_provider_id ON public.message_templates USING btree (connection_id, provider_template_id);

CREATE POLICY "members read templates" ON "public"."message_templates"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

COMMENT ON COLUMN "public"."message_templates"."as_of" IS 'When the provider last spoke of status, category, quality and components: an older word that comes late changes nothing.';

COMMENT ON COLUMN "public"."message_templates"."reason" IS 'Why it was rejected, paused or disabled, in the provider''s words.';

COMMENT ON TABLE "public"."message_templates" IS 'Templates of a connection, synced from the provider.';

REVOKE ALL ON TABLE "public"."message_templates" FROM "authenticated";

GRANT SELECT ON TABLE "public"."message_templates" TO "authenticated";

REVOKE ALL ON TABLE "public"."message_templates" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."message_templates" TO "service_role";

REVOKE ALL ON TABLE "public"."message_templates" FROM "anon";

-- public/tables/messages.sql
CREATE TABLE "public"."messages" (
  "seq"               bigint                   GENERATED ALWAYS AS IDENTITY NOT NULL,
  "workspace_id"      uuid                     NOT NULL,
  "connection_id"     uuid                     NOT NULL,
  "conversation_id"   uuid,
  "wamid"             text,
  "wa_id"             text,
  "bsuid"             text,
  "profile_name"      text,
  "direction"         text                     NOT NULL DEFAULT 'outbound'::text,
  "type"              text                     NOT NULL,
  "content"           jsonb                    NOT NULL,
  "original_content"  jsonb,
  "imported"          boolean                  NOT NULL DEFAULT false,
  "status"            text                     NOT NULL DEFAULT 'queued'::text,
  "reply_to_wamid"    text,
  "sent_by"           uuid,
  "client_reference"  text,
  "send_after"        timestamp with time zone,
  "error"             jsonb,
  "previous_attempts" jsonb,
  "media_id"          text,
  "media_status"      text,
  "media_path"        text,
  "media_mime_type"   text,
  "media_size"        bigint,
  "media_sha256"      text,
  "media_filename"    text,
  "media_width"       integer,
  "media_height"      integer,
  "media_duration"    real,
  "media_error"       jsonb,
  "occurred_at"       timestamp with time zone NOT NULL DEFAULT now(),
  "sent_at"           timestamp with time zone,
  "delivered_at"      timestamp with time zone,
  "read_at"           timestamp with time zone,
  "played_at"         timestamp with time zone,
  "failed_at"         timestamp with time zone,
  "edited_at"         timestamp with time zone,
  "revoked_at"        timestamp with time zone,
  "created_at"        timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "messages_check" CHECK (((direction = 'inbound'::text) = (status = 'received'::text))),
  CONSTRAINT "messages_client_reference_check" CHECK (((char_length(client_reference) >= 1) AND (char_length(client_reference) <= 200))),
  CONSTRAINT "messages_connection_id_wamid_key" UNIQUE (connection_id, wamid),
  CONSTRAINT "messages_direction_check" CHECK ((direction = ANY (ARRAY['inbound'::text, 'outbound'::text]))),
  CONSTRAINT "messages_media_status_check"
    CHECK ((media_status = ANY (ARRAY['pending'::text, 'downloading'::text, 'stored'::text, 'failed'::text, 'expired'::text, 'corrupt'::text]))),
  CONSTRAINT "messages_previous_attempts_check" CHECK ((jsonb_typeof(previous_attempts) = 'array'::text)),
  CONSTRAINT "messages_status_check"
    CHECK
    ((status = ANY (ARRAY['received'::text, 'queued'::text, 'sending'::text, 'sent'::text, 'delivered'::text, 'read'::text, 'played'::text, 'failed'::text, 'uncertain'::text,
    'canceled'::text]))),
  CONSTRAINT "messages_type_check" CHECK ((type <> ''::text)),
  CONSTRAINT "messages_workspace_id_client_reference_key" UNIQUE (workspace_id, client_reference),
  CONSTRAINT "messages_workspace_id_conversation_id_fkey" FOREIGN KEY (workspace_id, conversation_id) REFERENCES public.conversations(workspace_id, id) ON DELETE
    SET NULL (conversation_id),
  CONSTRAINT "messages_workspace_id_connection_id_fkey" FOREIGN KEY (workspace_id, connection_id) REFERENCES public.whatsapp_connections(workspace_id, id),
  CONSTRAINT "messages_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."messages"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."messages"
  SET (fillfactor=60);

CREATE INDEX messages_amendments ON public.messages USING btree (connection_id, reply_to_wamid)
  WHERE (TYPE = ANY (ARRAY['edit'::text, 'revoke'::text]));

CREATE INDEX messages_media_path ON public.messages USING hash (media_path)
  WHERE (media_path IS NOT NULL);

CREATE INDEX messages_outgoing_path ON public.messages USING btree (workspace_id, ((content ->> 'path'::text)))
  WHERE ((direction = 'outbound'::text) AND ((content ->> 'path'::text) IS NOT NULL));

CREATE INDEX messages_reactions ON public.messages USING btree (connection_id, reply_to_wamid)
  WHERE (TYPE = 'reaction'::text);

CREATE INDEX messages_stored ON public.messages USING btree (workspace_id, occurred_at)
  WHERE (media_path IS NOT NULL);

CREATE INDEX messages_thread ON public.messages USING btree (workspace_id, conversation_id, occurred_at DESC, seq DESC);

CREATE TRIGGER add_to_stats
  AFTER INSERT ON public.messages REFERENCING NEW TABLE AS added_messages
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.add_to_stats();

CREATE TRIGGER broadcast_deletes
  AFTER DELETE ON public.messages REFERENCING OLD TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_messages();

CREATE TRIGGER broadcast_inserts
  AFTER INSERT ON public.messages REFERENCING NEW TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_messages();

CREATE TRIGGER broadcast_updates
  AFTER UPDATE ON public.messages REFERENCING NEW TABLE AS changed_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.broadcast_messages();

CREATE TRIGGER enqueue_outbound
  AFTER INSERT ON public.messages REFERENCING NEW TABLE AS queued_messages
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.enqueue_outbound();

CREATE TRIGGER move_stats
  AFTER UPDATE OF conversation_id, TYPE, content, occurred_at, direction, imported, revoked_at ON public.messages
  FOR EACH ROW
  WHEN
    (((((((((old.conversation_id IS DISTINCT FROM new.conversation_id) OR (old.type IS DISTINCT FROM new.type)) OR (old.content IS DISTINCT FROM new.content)) OR (old.occurred_at
    IS DISTINCT FROM new.occurred_at)) OR (old.direction IS DISTINCT FROM new.direction)) OR (old.imported IS DISTINCT FROM new.imported)) OR
    (old.revoked_at IS DISTINCT FROM new.revoked_at)) AND (COALESCE(current_setting('wabase.moving_messages'::text, true), 'off'::text) <> 'on'::text)))
  EXECUTE FUNCTION private.move_stats();

CREATE TRIGGER prepare_message
  BEFORE INSERT ON public.messages
  FOR EACH ROW
  WHEN (((new.status = 'queued'::text) OR (new.connection_id IS NULL)))
  EXECUTE FUNCTION private.prepare_message();

CREATE TRIGGER remove_message_files
  AFTER DELETE ON public.messages REFERENCING OLD TABLE AS removed_messages
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.remove_message_files();

CREATE TRIGGER subtract_from_stats
  AFTER DELETE ON public.messages REFERENCING OLD TABLE AS removed_messages
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.subtract_from_stats();

CREATE POLICY "members queue outbound messages" ON "public"."messages"
  FOR INSERT
  TO "authenticated"
  WITH CHECK (((direction = 'outbound'::text) AND (status = 'queued'::text) AND (workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids))));

CREATE POLICY "members read messages" ON "public"."messages"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

REVOKE ALL ON TABLE "public"."messages" FROM "authenticated";

ALTER TABLE "public"."messages"
  ADD COLUMN "id" uuid NOT NULL DEFAULT private.message_id();

ALTER TABLE "public"."messages"
  ADD CONSTRAINT "messages_pkey" PRIMARY KEY (id);

ALTER TABLE "public"."messages"
  ADD CONSTRAINT "messages_workspace_id_id_key" UNIQUE (workspace_id, id);

CREATE INDEX messages_media ON public.messages USING btree (workspace_id, id)
  WHERE (media_id IS NOT NULL);

CREATE INDEX messages_words ON public.messages USING gin (private.message_words(workspace_id, TYPE, content))
  WHERE
    (TYPE = ANY (ARRAY['text'::text, 'button'::text, 'template'::text, 'location'::text, 'contacts'::text, 'interactive'::text, 'order'::text, 'image'::text, 'video'::text,
    'document'::text]));

COMMENT ON COLUMN "public"."messages"."bsuid" IS 'The customer''s business-scoped user id in this message.';

COMMENT ON COLUMN "public"."messages"."content" IS 'The Cloud API''s own object for the type, in and out.';

COMMENT ON COLUMN "public"."messages"."error" IS '{code, title, details, class, remedy} of the failure that ended the message.';

COMMENT ON COLUMN "public"."messages"."imported" IS 'Out of the phone''s history: shown in its place, never unread.';

COMMENT ON COLUMN "public"."messages"."media_duration" IS 'Of a voice note in seconds, where its last page tells.';

COMMENT ON COLUMN "public"."messages"."media_filename" IS 'What its sender called it: a name to offer, never a path.';

COMMENT ON COLUMN "public"."messages"."media_width" IS 'Of an image or sticker in pixels, where its first kilobytes tell.';

COMMENT ON COLUMN "public"."messages"."occurred_at" IS 'The provider''s clock for what arrived, the insert for what is to be sent.';

COMMENT ON COLUMN "public"."messages"."original_content" IS 'What an edited message said first.';

COMMENT ON COLUMN "public"."messages"."previous_attempts" IS 'What became of it before somebody retried it: [{wamid, error, sent_at, failed_at}], oldest first.';

COMMENT ON COLUMN "public"."messages"."profile_name" IS 'What the customer called themselves when they wrote it: in a group, who wrote.';

COMMENT ON COLUMN "public"."messages"."seq" IS 'Arrival number: breaks ties of occurred_at, which has a resolution of one second.';

COMMENT ON COLUMN "public"."messages"."wa_id" IS 'The customer''s number in this message, as the provider wrote it: the sender of what came, the recipient of an echo.';

COMMENT ON TABLE "public"."messages" IS 'Every message, in and out. A member inserts conversation_id, type and content; the rest is the server''s.';

COMMENT ON COLUMN "public"."messages"."id" IS 'Random, but for a beginning that the messages of an hour share: no order, no time to be read from it.';

REVOKE ALL ("client_reference") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("client_reference") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("content") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("content") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("conversation_id") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("conversation_id") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("direction") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("direction") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("reply_to_wamid") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("reply_to_wamid") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("send_after") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("send_after") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("type") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("type") ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ("workspace_id") ON TABLE "public"."messages" FROM "authenticated";

GRANT INSERT ("workspace_id") ON TABLE "public"."messages" TO "authenticated";

GRANT SELECT ON TABLE "public"."messages" TO "authenticated";

REVOKE ALL ON TABLE "public"."messages" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."messages" TO "service_role";

REVOKE ALL ON TABLE "public"."messages" FROM "anon";

REVOKE ALL ON SEQUENCE "public"."messages_seq_seq" FROM "anon";

REVOKE ALL ON SEQUENCE "public"."messages_seq_seq" FROM "authenticated";

REVOKE ALL ON SEQUENCE "public"."messages_seq_seq" FROM "service_role";

-- public/tables/outbox.sql
CREATE TABLE "public"."outbox" (
  "message_id"       uuid                     NOT NULL,
  "workspace_id"     uuid,
  "connection_id"    uuid,
  "conversation_id"  uuid,
  "seq"              bigint                   GENERATED ALWAYS AS IDENTITY NOT NULL,
  "line_at"          timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  "priority"         smallint                 NOT NULL DEFAULT 0,
  "available_at"     timestamp with time zone NOT NULL DEFAULT now(),
  "ready_at"         timestamp with time zone,
  "attempts"         integer                  NOT NULL DEFAULT 0,
  "unsent"           integer                  NOT NULL DEFAULT 0,
  "lease_token"      uuid,
  "leased_at"        timestamp with time zone,
  "lease_expires_at" timestamp with time zone,
  "preparing"        boolean                  NOT NULL DEFAULT false,
  "beside"           boolean                  NOT NULL DEFAULT false,
  "uncertain_since"  timestamp with time zone,
  CONSTRAINT "outbox_check1" CHECK (((workspace_id IS NOT NULL) OR (num_nonnulls(ready_at, lease_token, uncertain_since) = 0))),
  CONSTRAINT "outbox_check" CHECK ((num_nulls(workspace_id, connection_id, conversation_id) = ANY (ARRAY[0, 3]))),
  CONSTRAINT "outbox_pkey" PRIMARY KEY (message_id),
  CONSTRAINT "outbox_workspace_id_message_id_fkey" FOREIGN KEY (workspace_id, message_id) REFERENCES public.messages(workspace_id, id) ON DELETE CASCADE
);

ALTER TABLE "public"."outbox"
  ENABLE ROW LEVEL SECURITY;

ALTER TABLE "public"."outbox"
  SET (autovacuum_vacuum_cost_delay=0, autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=500, fillfactor=70);

CREATE INDEX outbox_canaries ON public.outbox USING btree (available_at)
  WHERE (workspace_id IS NULL);

CREATE UNIQUE INDEX outbox_head ON public.outbox USING btree (conversation_id)
  WHERE (((ready_at IS NOT NULL) OR (lease_token IS NOT NULL)) AND (NOT beside));

CREATE INDEX outbox_leased ON public.outbox USING btree (connection_id, lease_expires_at)
  WHERE (lease_expires_at IS NOT NULL);

CREATE INDEX outbox_line ON public.outbox USING btree (conversation_id, line_at, seq);

CREATE INDEX outbox_ready ON public.outbox USING btree (connection_id, priority, ready_at, seq)
  WHERE (ready_at IS NOT NULL);

CREATE INDEX outbox_uncertain ON public.outbox USING btree (uncertain_since)
  WHERE (uncertain_since IS NOT NULL);

CREATE TRIGGER follow_up
  AFTER DELETE ON public.outbox REFERENCING OLD TABLE AS gone_items
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.follow_up();

CREATE TRIGGER ring_worker
  AFTER INSERT ON public.outbox REFERENCING NEW TABLE AS queued_rows
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.ring_worker();

COMMENT ON COLUMN "public"."outbox"."available_at" IS 'Not before: an attempt that failed for a while.';

COMMENT ON COLUMN "public"."outbox"."beside" IS 'Its thread became part of another while both had one on the wire: else there is never more than one.';

COMMENT ON COLUMN "public"."outbox"."line_at" IS 'Its place among its conversation''s messages: when it was written, or send_after; then seq.';

COMMENT ON COLUMN "public"."outbox"."preparing" IS 'Its files are on their way to WhatsApp and it has not been sent: a lease that runs out now is no uncertainty.';

COMMENT ON COLUMN "public"."outbox"."priority" IS '0 free-form, which answers somebody; 1 a template into an open window; 2 any other template.';

COMMENT ON COLUMN "public"."outbox"."ready_at" IS 'Set for the head of a conversation only, while it is not being sent: when it may go, its own time and its pair''s. The number''s rate comes on top.';

COMMENT ON COLUMN "public"."outbox"."uncertain_since" IS 'When the answer to a send was lost. Such a row is never sent again; a status or the sweep settles it.';

COMMENT ON COLUMN "public"."outbox"."unsent" IS 'How often in a row nothing of it has left, which is no attempt.';

COMMENT ON TABLE "public"."outbox" IS 'Messages that still have to be sent. Its rows ring the worker through Realtime and leave when settled.';

REVOKE ALL ON TABLE "public"."outbox" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."outbox" TO "service_role";

REVOKE ALL ON TABLE "public"."outbox" FROM "anon", "authenticated";

REVOKE ALL ON SEQUENCE "public"."outbox_seq_seq" FROM "anon";

REVOKE ALL ON SEQUENCE "public"."outbox_seq_seq" FROM "authenticated";

REVOKE ALL ON SEQUENCE "public"."outbox_seq_seq" FROM "service_role";

-- public/tables/webhook_events.sql
CREATE TABLE "public"."webhook_events" (
  "id"               bigint                   GENERATED ALWAYS AS IDENTITY NOT NULL,
  "provider"         text                     NOT NULL,
  "body"             json                     NOT NULL,
  "phone_number_id"  text,
  "waba_id"          text,
  "received_at"      timestamp with time zone NOT NULL DEFAULT now(),
  "state"            text                     NOT NULL DEFAULT 'received'::text,
  "attempts"         integer                  NOT NULL DEFAULT 0,
  "error"            text,
  "kinds"            text[]                   NOT NULL DEFAULT '{}'::text[],
  "missing"          text[],
  "lease_expires_at" timestamp with time zone,
  "processed_at"     timestamp with time zone,
  "replayed_at"      timestamp with time zone,
  CONSTRAINT "webhook_events_pkey" PRIMARY KEY (id),
  CONSTRAINT "webhook_events_provider_check" CHECK ((provider = ANY (ARRAY['360dialog'::text, 'meta'::text]))),
  CONSTRAINT "webhook_events_state_check" CHECK ((state = ANY (ARRAY['received'::text, 'processed'::text, 'unrouted'::text, 'failed'::text])))
);

ALTER TABLE "public"."webhook_events"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX webhook_events_missing ON public.webhook_events USING gin (missing)
  WHERE (missing IS NOT NULL);

CREATE INDEX webhook_events_set_aside ON public.webhook_events USING btree (state, id)
  WHERE (state = ANY (ARRAY['unrouted'::text, 'failed'::text]));

CREATE INDEX webhook_events_waiting ON public.webhook_events USING btree (lease_expires_at, id)
  WHERE (state = 'received'::text);

COMMENT ON COLUMN "public"."webhook_events"."error" IS 'Why it was set aside: one line per item that could not be routed or applied.';

COMMENT ON COLUMN "public"."webhook_events"."kinds" IS 'What was in the body: messages.<type>, statuses.<status>, or the webhook field.';

COMMENT ON COLUMN "public"."webhook_events"."missing" IS 'The numbers and WABAs without a connection that an event waits for.';

COMMENT ON COLUMN "public"."webhook_events"."phone_number_id" IS 'The number whose URL and token the body came with; null for a WABA''s or Meta''s.';

COMMENT ON COLUMN "public"."webhook_events"."replayed_at" IS 'When it was last sent back to the beginning: what it says goes before what was made of it then.';

COMMENT ON COLUMN "public"."webhook_events"."waba_id" IS 'The WABA whose URL and token the body came with; null for a number''s or Meta''s.';

COMMENT ON TABLE "public"."webhook_events" IS 'Webhook bodies, committed before they are acknowledged. Replayable with release_inbound.';

REVOKE ALL ON TABLE "public"."webhook_events" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."webhook_events" TO "service_role";

REVOKE ALL ON TABLE "public"."webhook_events" FROM "anon", "authenticated";

REVOKE ALL ON SEQUENCE "public"."webhook_events_id_seq" FROM "anon";

REVOKE ALL ON SEQUENCE "public"."webhook_events_id_seq" FROM "authenticated";

REVOKE ALL ON SEQUENCE "public"."webhook_events_id_seq" FROM "service_role";

-- public/tables/whatsapp_connections.sql
CREATE TABLE "public"."whatsapp_connections" (
  "id"                      uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id"            uuid                     NOT NULL,
  "provider"                text                     NOT NULL DEFAULT '360dialog'::text,
  "phone_number_id"         text                     NOT NULL,
  "waba_id"                 text,
  "former_ids"              text[]                   NOT NULL DEFAULT '{}'::text[],
  "display_phone_number"    text,
  "status"                  text                     NOT NULL DEFAULT 'active'::text,
  "status_reason"           text,
  "quality_rating"          text,
  "messages_per_second"     integer                  NOT NULL DEFAULT 80,
  "send_read_receipts"      boolean                  NOT NULL DEFAULT false,
  "media_downloads_at_once" integer                  NOT NULL DEFAULT 8,
  "media_lifetime"          interval                 NOT NULL DEFAULT '7 days'::interval,
  "last_error"              jsonb,
  "provider_notices"        jsonb                    NOT NULL DEFAULT '{}'::jsonb,
  "created_at"              timestamp with time zone NOT NULL DEFAULT now(),
  "verified_at"             timestamp with time zone DEFAULT now(),
  "status_since"            timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "whatsapp_connections_media_downloads_at_once_check" CHECK (((media_downloads_at_once >= 1) AND (media_downloads_at_once <= 64))),
  CONSTRAINT "whatsapp_connections_media_lifetime_check" CHECK (((media_lifetime >= '00:01:00'::interval) AND (media_lifetime <= '30 days'::interval))),
  CONSTRAINT "whatsapp_connections_messages_per_second_check" CHECK (((messages_per_second >= 1) AND (messages_per_second <= 1000))),
  CONSTRAINT "whatsapp_connections_phone_number_id_check" CHECK ((phone_number_id <> ''::text)),
  CONSTRAINT "whatsapp_connections_phone_number_id_key" UNIQUE (phone_number_id),
  CONSTRAINT "whatsapp_connections_pkey" PRIMARY KEY (id),
  CONSTRAINT "whatsapp_connections_provider_check" CHECK ((provider = ANY (ARRAY['360dialog'::text, 'meta'::text]))),
  CONSTRAINT "whatsapp_connections_provider_notices_check" CHECK ((jsonb_typeof(provider_notices) = 'object'::text)),
  CONSTRAINT "whatsapp_connections_status_check" CHECK ((status = ANY (ARRAY['active'::text, 'paused'::text, 'disconnected'::text]))),
  CONSTRAINT "whatsapp_connections_workspace_id_id_key" UNIQUE (workspace_id, id),
  CONSTRAINT "whatsapp_connections_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."whatsapp_connections"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX whatsapp_connections_former ON public.whatsapp_connections USING gin (former_ids);

CREATE INDEX whatsapp_connections_paused ON public.whatsapp_connections USING btree (phone_number_id)
  WHERE (status = 'paused'::text);

CREATE INDEX whatsapp_connections_waba ON public.whatsapp_connections USING btree (waba_id);

CREATE TRIGGER enforce_connection_limit_on_move
  BEFORE UPDATE OF workspace_id ON public.whatsapp_connections
  FOR EACH ROW
  WHEN ((old.workspace_id <> new.workspace_id))
  EXECUTE FUNCTION private.enforce_connection_limit();

CREATE TRIGGER enforce_connection_limit
  BEFORE INSERT ON public.whatsapp_connections
  FOR EACH ROW
  EXECUTE FUNCTION private.enforce_connection_limit();

CREATE TRIGGER note_connection_status
  BEFORE UPDATE OF status ON public.whatsapp_connections
  FOR EACH ROW
  WHEN ((old.status IS DISTINCT FROM new.status))
  EXECUTE FUNCTION private.note_connection_status();

CREATE TRIGGER plan_chores
  AFTER INSERT ON public.whatsapp_connections
  FOR EACH ROW
  EXECUTE FUNCTION private.plan_chores();

CREATE TRIGGER reserve_former_ids
  AFTER INSERT OR UPDATE OF phone_number_id ON public.whatsapp_connections
  FOR EACH ROW
  EXECUTE FUNCTION private.reserve_former_ids();

CREATE TRIGGER route_waiting
  AFTER INSERT OR UPDATE OF phone_number_id, waba_id, verified_at ON public.whatsapp_connections
  FOR EACH ROW
  WHEN ((new.verified_at IS NOT NULL))
  EXECUTE FUNCTION private.route_waiting();

CREATE POLICY "members see connections" ON "public"."whatsapp_connections"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "owners and admins set up connections" ON "public"."whatsapp_connections"
  FOR UPDATE
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)))
  WITH CHECK ((workspace_id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)));

COMMENT ON COLUMN "public"."whatsapp_connections"."former_ids" IS 'Phone number ids and WABA ids that the number had before it was moved: what still comes under them is its own.';

COMMENT ON COLUMN "public"."whatsapp_connections"."media_downloads_at_once" IS 'How many files of the number are fetched at the same time, by all workers together.';

COMMENT ON COLUMN "public"."whatsapp_connections"."media_lifetime" IS 'How long the provider keeps a file that somebody sent: 7 days by its id (Meta, media reference); 60 minutes for numbers with Local Storage or No Storage at Meta. Files that come are fetched by then or expire.';

COMMENT ON COLUMN "public"."whatsapp_connections"."provider_notices" IS 'What WhatsApp last said about the number or its account: by webhook field, {at, value} in the provider''s own shape.';

COMMENT ON COLUMN "public"."whatsapp_connections"."send_read_receipts" IS 'Whether customers see blue ticks when a conversation is marked as read here.';

COMMENT ON COLUMN "public"."whatsapp_connections"."status" IS 'active; paused (the queue waits, nothing fails; status_reason says why); disconnected.';

COMMENT ON COLUMN "public"."whatsapp_connections"."status_since" IS 'Since when the number is active, paused or disconnected; status_reason says why.';

COMMENT ON COLUMN "public"."whatsapp_connections"."verified_at" IS 'Since when it is known that the number is this workspace''s; null while that is a member''s word alone, and then nothing is heard of it.';

COMMENT ON TABLE "public"."whatsapp_connections" IS 'A WhatsApp number, reached through 360dialog or Meta. Its credential is in Vault and never readable here.';

REVOKE ALL ON TABLE "public"."whatsapp_connections" FROM "authenticated";

REVOKE ALL ("send_read_receipts") ON TABLE "public"."whatsapp_connections" FROM "authenticated";

GRANT UPDATE ("send_read_receipts") ON TABLE "public"."whatsapp_connections" TO "authenticated";

GRANT SELECT ON TABLE "public"."whatsapp_connections" TO "authenticated";

REVOKE ALL ON TABLE "public"."whatsapp_connections" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."whatsapp_connections" TO "service_role";

REVOKE ALL ON TABLE "public"."whatsapp_connections" FROM "anon";

-- public/tables/workspace_invitations.sql
CREATE TABLE "public"."workspace_invitations" (
  "id"           uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "workspace_id" uuid                     NOT NULL,
  "email"        text                     NOT NULL,
  "role"         text                     NOT NULL,
  "invited_by"   uuid,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  "expires_at"   timestamp with time zone NOT NULL DEFAULT (now() + '7 days'::interval),
  CONSTRAINT "workspace_invitations_email_check" CHECK (((email = lower(email)) AND (char_length(email) <= 320))),
  CONSTRAINT "workspace_invitations_pkey" PRIMARY KEY (id),
  CONSTRAINT "workspace_invitations_role_check" CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'agent'::text]))),
  CONSTRAINT "workspace_invitations_workspace_id_email_key" UNIQUE (workspace_id, email),
  CONSTRAINT "workspace_invitations_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."workspace_invitations"
  ENABLE ROW LEVEL SECURITY;

CREATE POLICY "owners and admins see invitations" ON "public"."workspace_invitations"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)));

CREATE POLICY "owners and admins withdraw invitations" ON "public"."workspace_invitations"
  FOR DELETE
  TO "authenticated"
  USING
    (((workspace_id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)) AND ((ROLE <> 'owner'::text) OR (workspace_id IN ( SELECT
    private.user_owned_workspace_ids() AS user_owned_workspace_ids)))));

COMMENT ON COLUMN "public"."workspace_invitations"."invited_by" IS 'The member who invited; when they leave, the invitation goes, too.';

COMMENT ON TABLE "public"."workspace_invitations" IS 'Who was invited and has not come yet. Owners and admins read and withdraw them.';

REVOKE ALL ON TABLE "public"."workspace_invitations" FROM "authenticated";

GRANT DELETE, SELECT ON TABLE "public"."workspace_invitations" TO "authenticated";

REVOKE ALL ON TABLE "public"."workspace_invitations" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."workspace_invitations" TO "service_role";

REVOKE ALL ON TABLE "public"."workspace_invitations" FROM "anon";

-- public/tables/workspace_members.sql
CREATE TABLE "public"."workspace_members" (
  "workspace_id" uuid                     NOT NULL,
  "user_id"      uuid                     NOT NULL,
  "role"         text                     NOT NULL,
  "created_at"   timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "workspace_members_pkey" PRIMARY KEY (workspace_id, user_id),
  CONSTRAINT "workspace_members_role_check" CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'agent'::text]))),
  CONSTRAINT "workspace_members_user_id_fkey" FOREIGN KEY (user_id) REFERENCES auth.users(id) ON DELETE CASCADE,
  CONSTRAINT "workspace_members_workspace_id_fkey" FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id) ON DELETE CASCADE
);

ALTER TABLE "public"."workspace_members"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX workspace_members_user ON public.workspace_members USING btree (user_id);

CREATE TRIGGER keep_an_owner_on_delete
  AFTER DELETE ON public.workspace_members REFERENCING OLD TABLE AS former_members
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.keep_an_owner();

CREATE TRIGGER keep_an_owner_on_update
  AFTER UPDATE ON public.workspace_members REFERENCING OLD TABLE AS former_members
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.keep_an_owner();

CREATE POLICY "members see who else is a member" ON "public"."workspace_members"
  FOR SELECT
  TO "authenticated"
  USING ((workspace_id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

COMMENT ON TABLE "public"."workspace_members" IS 'Who may work in a workspace, and as what: owner, admin or agent.';

REVOKE ALL ON TABLE "public"."workspace_members" FROM "authenticated";

GRANT SELECT ON TABLE "public"."workspace_members" TO "authenticated";

REVOKE ALL ON TABLE "public"."workspace_members" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."workspace_members" TO "service_role";

REVOKE ALL ON TABLE "public"."workspace_members" FROM "anon";

-- public/tables/workspaces.sql
CREATE TABLE "public"."workspaces" (
  "id"                   uuid                     NOT NULL DEFAULT gen_random_uuid(),
  "name"                 text                     NOT NULL,
  "default_language"     text                     NOT NULL DEFAULT 'he'::text,
  "connection_limit"     integer                  NOT NULL DEFAULT 1,
  "media_retention_days" integer,
  "broadcasts"           boolean                  NOT NULL DEFAULT false,
  "deleted_at"           timestamp with time zone,
  "created_at"           timestamp with time zone NOT NULL DEFAULT now(),
  CONSTRAINT "workspaces_connection_limit_check" CHECK ((connection_limit >= 0)),
  CONSTRAINT "workspaces_default_language_check" CHECK (((char_length(default_language) >= 2) AND (char_length(default_language) <= 15))),
  CONSTRAINT "workspaces_media_retention_days_check" CHECK (((media_retention_days >= 1) AND (media_retention_days <= 36500))),
  CONSTRAINT "workspaces_name_check" CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
  CONSTRAINT "workspaces_pkey" PRIMARY KEY (id)
);

ALTER TABLE "public"."workspaces"
  ENABLE ROW LEVEL SECURITY;

CREATE INDEX workspaces_broadcasting ON public.workspaces USING btree (id)
  WHERE broadcasts;

CREATE INDEX workspaces_deleted ON public.workspaces USING btree (deleted_at)
  WHERE (deleted_at IS NOT NULL);

CREATE INDEX workspaces_retention ON public.workspaces USING btree (id)
  WHERE (media_retention_days IS NOT NULL);

CREATE TRIGGER check_workspace
  BEFORE UPDATE OF name, default_language, media_retention_days, broadcasts ON public.workspaces
  FOR EACH ROW
  WHEN ((CURRENT_USER = 'authenticated'::name))
  EXECUTE FUNCTION private.check_workspace();

CREATE TRIGGER forget_windows
  AFTER DELETE ON public.workspaces
  FOR EACH ROW
  EXECUTE FUNCTION private.forget_windows();

CREATE TRIGGER remove_workspace_files
  AFTER DELETE ON public.workspaces REFERENCING OLD TABLE AS removed_workspaces
  FOR EACH STATEMENT
  EXECUTE FUNCTION private.remove_workspace_files();

CREATE POLICY "members see their workspaces" ON "public"."workspaces"
  FOR SELECT
  TO "authenticated"
  USING ((id IN ( SELECT private.user_workspace_ids() AS user_workspace_ids)));

CREATE POLICY "owners and admins set up their workspaces" ON "public"."workspaces"
  FOR UPDATE
  TO "authenticated"
  USING ((id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)))
  WITH CHECK ((id IN ( SELECT private.user_managed_workspace_ids() AS user_managed_workspace_ids)));

COMMENT ON COLUMN "public"."workspaces"."broadcasts" IS 'Whether its topic workspace:<id> is told of every change. For owners and admins to set.';

COMMENT ON COLUMN "public"."workspaces"."connection_limit" IS 'How many WhatsApp numbers the workspace may connect.';

COMMENT ON COLUMN "public"."workspaces"."default_language" IS 'Template language when a send names none.';

COMMENT ON COLUMN "public"."workspaces"."deleted_at" IS 'Since when it is being deleted: it has no members any more, and its rows are on their way out.';

COMMENT ON COLUMN "public"."workspaces"."media_retention_days" IS 'After how many days the files of its messages leave the bucket; null: never. For owners and admins to set.';

COMMENT ON TABLE "public"."workspaces" IS 'A tenant. Row level security keeps everything below it apart from other workspaces.';

REVOKE ALL ON TABLE "public"."workspaces" FROM "authenticated";

REVOKE ALL ("broadcasts") ON TABLE "public"."workspaces" FROM "authenticated";

GRANT UPDATE ("broadcasts") ON TABLE "public"."workspaces" TO "authenticated";

REVOKE ALL ("default_language") ON TABLE "public"."workspaces" FROM "authenticated";

GRANT UPDATE ("default_language") ON TABLE "public"."workspaces" TO "authenticated";

REVOKE ALL ("media_retention_days") ON TABLE "public"."workspaces" FROM "authenticated";

GRANT UPDATE ("media_retention_days") ON TABLE "public"."workspaces" TO "authenticated";

REVOKE ALL ("name") ON TABLE "public"."workspaces" FROM "authenticated";

GRANT UPDATE ("name") ON TABLE "public"."workspaces" TO "authenticated";

GRANT SELECT ON TABLE "public"."workspaces" TO "authenticated";

REVOKE ALL ON TABLE "public"."workspaces" FROM "service_role";

GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "public"."workspaces" TO "service_role";

REVOKE ALL ON TABLE "public"."workspaces" FROM "anon";

-- realtime/tables/messages.sql
CREATE POLICY "members hear their workspaces" ON "realtime"."messages"
  FOR SELECT
  TO "authenticated"
  USING (((EXTENSION = 'broadcast'::text) AND (( SELECT realtime.topic() AS topic) IN ( SELECT ('workspace:'::text || id.id)
   FROM private.user_workspace_ids() id(id)))));

-- storage/tables/objects.sql
CREATE POLICY "members read their workspace's media" ON "storage"."objects"
  FOR SELECT
  TO "authenticated"
  USING (((bucket_id = 'whatsapp-media'::text) AND ((storage.foldername(name))[1] IN ( SELECT (id.id)::text AS id
   FROM private.user_workspace_ids() id(id)))));

CREATE POLICY "members upload outgoing media" ON "storage"."objects"
  FOR INSERT
  TO "authenticated"
  WITH
    CHECK
    (((bucket_id = 'whatsapp-media'::text) AND ((storage.foldername(name))[2] = 'outgoing'::text) AND (name !~ '(^|/)\.{0,2}(/|$)'::text) AND ((storage.foldername(name))[1] IN (
    SELECT (id.id)::text AS id
   FROM private.user_workspace_ids() id(id)))));

-- private/views/conversation_items.sql
CREATE VIEW "private"."conversation_items" WITH (security_invoker=true) AS  SELECT thread.id,
    thread.workspace_id,
    thread.connection_id,
    thread.phone_number_id,
    thread.phone,
    thread.bsuid,
    thread.group_id,
    COALESCE(NULLIF(contact.name, ''::text), NULLIF(contact.profile_name, ''::text), thread.phone, thread.bsuid, thread.group_id) AS title,
        CASE
            WHEN (contact.id IS NOT NULL) THEN jsonb_build_object('id', contact.id, 'name', contact.name, 'profile_name', contact.profile_name, 'phone', contact.phone, 'tags', contact.tags, 'marketing_opted_out_at', contact.marketing_opted_out_at)
            ELSE NULL::jsonb
        END AS contact,
    thread.status,
    thread.is_read,
    thread.unread_count,
    thread.assigned_to,
    thread.last_message_at,
    thread.last_message_preview,
    thread.last_message_direction,
    thread.last_customer_message_at,
    thread.window_expires_at,
    COALESCE((thread.window_expires_at > now()), false) AS is_window_open,
        CASE
            WHEN (thread.window_expires_at > now()) THEN (ceil(EXTRACT(epoch FROM (thread.window_expires_at - now()))))::integer
            ELSE 0
        END AS window_seconds_left,
    ((((EXTRACT(epoch FROM thread.sort_at) * (1000000)::numeric))::bigint || '.'::text) || thread.id) AS cursor
   FROM (public.conversations thread
     LEFT JOIN public.contacts contact ON (((contact.workspace_id = thread.workspace_id) AND (contact.id = thread.contact_id))));

COMMENT ON VIEW "private"."conversation_items" IS 'Conversations as the inbox lists them: rows of public.conversation_list_item.';

-- private/functions/abandon_workspace.sql
CREATE OR REPLACE FUNCTION private.abandon_workspace (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
begin
  -- Recordings of its numbers are waited for, before anything is locked that they lock.
  perform pg_advisory_xact_lock(private.turn_of(number.id))
  from (
    select connection.id from public.whatsapp_connections as connection
    where connection.workspace_id = workspace_id
      and (private.is_backend() or workspace_id in (select private.user_owned_workspace_ids()))
    order by connection.id
  ) as number;
  -- Whoever queues a message holds the workspace first, by its key, and then what is deleted here: they are waited for, and wait.
  perform from public.workspaces as tenant
  where tenant.id = workspace_id and (private.is_backend() or tenant.id in (select private.user_owned_workspace_ids()))
  for update;
  perform private.enter_workspace(workspace_id, array['owner']);
  update public.workspaces as tenant set deleted_at = now(), broadcasts = false where tenant.id = workspace_id and tenant.deleted_at is null;
  if not found then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
  delete from public.workspace_members as member where member.workspace_id = workspace_id;
  delete from public.workspace_invitations as invitation where invitation.workspace_id = workspace_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."abandon_workspace"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."abandon_workspace"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."abandon_workspace"(uuid) IS 'Ends a workspace for its members. For its owners. WA004, WA034.';

REVOKE ALL ON FUNCTION "private"."abandon_workspace"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."abandon_workspace"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."abandon_workspace"(uuid) TO "postgres";

-- private/functions/accept_invitation.sql
CREATE OR REPLACE FUNCTION private.accept_invitation (
  token text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  invitation public.workspace_invitations;
begin
  select asked.* into invitation
  from private.invitation_tokens as known join public.workspace_invitations as asked on asked.id = known.invitation_id
  where known.token_hash = sha256(convert_to(accept_invitation.token, 'UTF8'));
  -- The workspace before the invitation, as everybody takes them; then whether it still is.
  perform from public.workspaces where id = invitation.workspace_id for no key update;
  delete from public.workspace_invitations as asked
  where asked.id = invitation.id and asked.expires_at > now()
    and asked.email = (select lower(email) from auth.users where id = (select auth.uid()));
  if not found then
    raise exception 'no such invitation' using errcode = 'WA031',
      hint = 'It was for another address, was used or withdrawn, or is older than a week. Ask for a new one.';
  end if;
  insert into public.workspace_members (workspace_id, user_id, role)
  values (invitation.workspace_id, (select auth.uid()), invitation.role) on conflict do nothing;
  if not found then
    raise exception 'you are a member already' using errcode = 'WA033';
  end if;
  return invitation.workspace_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."accept_invitation"(text) TO "authenticated";

REVOKE ALL ON FUNCTION "private"."accept_invitation"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."accept_invitation"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."accept_invitation"(text) TO "postgres";

-- private/functions/add_connection.sql
CREATE OR REPLACE FUNCTION private.add_connection (
  workspace_id         uuid,
  provider             text,
  phone_number_id      text,
  waba_id              text,
  display_phone_number text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
declare
  made uuid;
begin
  perform private.enter_workspace(workspace_id, array['owner', 'admin']);
  if provider is null or provider not in ('360dialog', 'meta') then
    perform private.refuse_field('provider', '360dialog or meta');
  elsif phone_number_id is null or phone_number_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('phone_number_id', 'the number''s id at WhatsApp, digits');
  elsif waba_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('waba_id', 'the account''s id at WhatsApp, digits');
  elsif display_phone_number !~ '^\+?[0-9 ().-]{3,40}$' then
    perform private.refuse_field('display_phone_number', 'a phone number');
  end if;
  -- What WhatsApp says of an account is told to all its numbers: nobody listens by naming another's account.
  if waba_id is not null and not private.is_backend() then
    perform pg_advisory_xact_lock(hashtextextended('waba ' || waba_id, 0));
    if exists (
      select from public.whatsapp_connections as other
      where other.waba_id = add_connection.waba_id and other.workspace_id <> add_connection.workspace_id) then
      raise exception 'the account cannot be connected here' using errcode = 'WA035', detail = 'waba_id';
    end if;
  end if;
  insert into public.whatsapp_connections as connection (
    workspace_id, provider, phone_number_id, waba_id, display_phone_number, status, status_reason, verified_at)
  values (workspace_id, provider, phone_number_id, waba_id, display_phone_number, 'paused', 'credential',
    case when private.is_backend() then now() end)
  on conflict on constraint whatsapp_connections_phone_number_id_key do nothing
  returning connection.id into made;
  if made is null then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'A number belongs to one workspace.';
  end if;
  return made;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."add_connection"(uuid, text, text, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."add_connection"(uuid, text, text, text, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."add_connection"(uuid, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."add_connection"(uuid, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."add_connection"(uuid, text, text, text, text) TO "postgres";

-- private/functions/add_counts.sql
CREATE OR REPLACE FUNCTION private.add_counts (
  workspace_id uuid,
  total        bigint,
  archived     bigint,
  unread       bigint
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  place bigint;
begin
  insert into private.conversation_counts as counts (workspace_id, total, archived, unread)
  values (add_counts.workspace_id, add_counts.total, coalesce(add_counts.archived, 0), coalesce(add_counts.unread, 0))
  returning id into place;
  -- Now and then the rows become one, by one session at a time, for which nobody waits.
  if place % 250 = 0 and pg_try_advisory_xact_lock(hashtextextended('conversation_counts', 0)) then
    perform private.fold_counts(add_counts.workspace_id);
  end if;
end
$function$;

COMMENT ON FUNCTION "private"."add_counts"(uuid, bigint, bigint, bigint) IS 'Notes by how much the number of a workspace''s threads has changed.';

REVOKE ALL ON FUNCTION "private"."add_counts"(uuid, bigint, bigint, bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."add_counts"(uuid, bigint, bigint, bigint) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."add_counts"(uuid, bigint, bigint, bigint) TO "postgres";

-- private/functions/add_places.sql
CREATE OR REPLACE FUNCTION private.add_places()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  insert into private.inbox_places (connection_id, state, sort_at, conversation_id, assigned_to, window_expires_at)
  select thread.connection_id, private.inbox_state(thread.assigned_to, thread.is_read, thread.status), thread.sort_at, thread.id,
    thread.assigned_to, thread.window_expires_at
  from new_conversations as thread;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."add_places"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."add_places"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."add_places"() TO "postgres";

-- private/functions/add_to_stats.sql
CREATE OR REPLACE FUNCTION private.add_to_stats()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- Thread by thread in the order of their ids, below: batches that share conversations take turns instead of deadlocking.
  update public.conversations as thread set
    unread_count = thread.unread_count + added.customer_messages,
    last_customer_message_at = greatest(thread.last_customer_message_at, added.last_customer_message_at),
    window_expires_at = greatest(thread.last_customer_message_at, added.last_customer_message_at) + interval '24 hours',
    -- A customer who writes again wants an answer.
    status = case when added.customer_messages > 0 then 'open' else thread.status end,
    (last_message_at, last_message_seq, last_message_preview, last_message_direction) = (
      select
        case when newest then added.occurred_at else thread.last_message_at end,
        case when newest then added.seq else thread.last_message_seq end,
        case when newest then private.message_preview(added.type, added.content, added.revoked) else thread.last_message_preview end,
        case when newest then added.direction else thread.last_message_direction end
      from (select thread.last_message_at is null
        or (added.occurred_at, added.seq) > (thread.last_message_at, thread.last_message_seq) as newest) as told)
  from (
    -- The newest of each thread, and what all of them add up to.
    select distinct on (conversation_id) workspace_id, conversation_id, occurred_at, seq, type, content, direction,
      revoked_at is not null as revoked,
      count(*) filter (where direction = 'inbound' and not imported) over thread as customer_messages,
      max(occurred_at) filter (where direction = 'inbound') over thread as last_customer_message_at
    from added_messages
    where conversation_id is not null and private.is_conversational(type)
    window thread as (partition by conversation_id)
    order by conversation_id, occurred_at desc, seq desc
  ) as added
  where thread.workspace_id = added.workspace_id and thread.id = added.conversation_id;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."add_to_stats"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."add_to_stats"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."add_to_stats"() TO "postgres";

-- private/functions/amend_messages.sql
CREATE OR REPLACE FUNCTION private.amend_messages (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  targets uuid[];
begin
  -- The targets of what arrived, and what arrived if an edit or a revoke of it was here first.
  select array_agg(distinct target.id) into targets
  from unnest(arrived) as m
  join public.messages as target
    on target.connection_id = m.connection_id
    and target.wamid = case when m.type in ('edit', 'revoke') then m.reply_to_wamid else m.wamid end
  where m.type in ('edit', 'revoke') or exists (
    select from public.messages as amendment
    where amendment.connection_id = m.connection_id and amendment.reply_to_wamid = m.wamid and amendment.type in ('edit', 'revoke'));
  if targets is null then
    return;
  end if;
  perform from public.messages where id = any (targets) order by id for no key update;

  update public.messages as target set
    original_content = case when latest.content is not null then coalesce(target.original_content, target.content) else target.original_content end,
    content = coalesce(latest.content, target.content),
    edited_at = coalesce(latest.edited_at, target.edited_at),
    revoked_at = coalesce(latest.revoked_at, target.revoked_at)
  from (
    select amended.id,
      max(amendment.occurred_at) filter (where amendment.type = 'edit') as edited_at,
      min(amendment.occurred_at) filter (where amendment.type = 'revoke') as revoked_at,
      -- The new text in the place of the old; a file keeps its columns.
      (array_agg((amendment.content #> array['message', amended.type]) - '{id,mime_type,sha256,filename,url}'::text[]
        order by amendment.occurred_at desc, amendment.wamid)
        filter (where amendment.type = 'edit' and jsonb_typeof(amendment.content #> array['message', amended.type]) = 'object'))[1] as content
    from public.messages as amended
    join public.messages as amendment
      on amendment.connection_id = amended.connection_id and amendment.reply_to_wamid = amended.wamid and amendment.type in ('edit', 'revoke')
    where amended.id = any (targets)
    group by amended.id
  ) as latest
  where target.id = latest.id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."amend_messages"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."amend_messages"(private.inbound_message[]) IS 'Brings messages to what their edits and revokes say, whichever came first. The first text is kept.';

REVOKE ALL ON FUNCTION "private"."amend_messages"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."amend_messages"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."amend_messages"(private.inbound_message[]) TO "postgres";

-- private/functions/among.sql
CREATE OR REPLACE FUNCTION private.among (
  f       private.conversation_filter,
  stretch private.inbox_place[],
  threads uuid[],
  most    integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'on'
  SET enable_nestloop TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      -- One that was found twice is there once.
      where place.conversation_id in (select unnest(threads))
      order by place.turn offset 0
    ) as walked
    where f.tags is null or private.is_tagged((
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id), f)
    limit most);
end
$function$;

COMMENT ON FUNCTION "private"."among"(private.conversation_filter, private.inbox_place[], uuid[], integer) IS 'Of a stretch of the inbox the first that are among these threads.';

REVOKE ALL ON FUNCTION "private"."among"(private.conversation_filter, private.inbox_place[], uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."among"(private.conversation_filter, private.inbox_place[], uuid[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."among"(private.conversation_filter, private.inbox_place[], uuid[], integer) TO "postgres";

-- private/functions/analyse_young_tables.sql
CREATE OR REPLACE FUNCTION private.analyse_young_tables()
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  young regclass;
begin
  for young in
    select class.oid
    from pg_catalog.pg_class as class
    cross join pg_catalog.pg_stat_get_live_tuples(class.oid) as live (rows)
    where class.oid = any (array[
        'public.contacts', 'public.conversations', 'public.messages', 'public.message_statuses', 'public.outbox',
        'public.webhook_events', 'public.media_downloads', 'private.conversation_identifiers', 'private.inbox_places',
        'private.outbound_pairs']::regclass[])
      -- The first time at 500 rows. What grows tenfold between two rounds of autovacuum does so a few times in its life. A
      -- large one is no young one, restored for example, and would hold up the sweep: it is left to autovacuum.
      and live.rows between 10 * greatest(class.reltuples, 50) and 100000
  loop
    execute format('analyze (skip_locked) %s', young);
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."analyse_young_tables"() TO "service_role";

COMMENT ON FUNCTION "private"."analyse_young_tables"() IS 'Takes statistics of tables up to 100,000 rows that have ten times those of when that was last done. What somebody else analyses is passed by.';

REVOKE ALL ON FUNCTION "private"."analyse_young_tables"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."analyse_young_tables"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."analyse_young_tables"() TO "postgres";

-- private/functions/applied_migrations.sql
CREATE OR REPLACE FUNCTION private.applied_migrations()
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  versions text[];
begin
  if to_regclass('supabase_migrations.schema_migrations') is null then
    return null;
  end if;
  execute 'select array_agg(version order by version) from supabase_migrations.schema_migrations' into versions;
  return versions;
end
$function$;

COMMENT ON FUNCTION "private"."applied_migrations"() IS 'The versions that `supabase db push` has recorded; null where it has recorded nothing.';

REVOKE ALL ON FUNCTION "private"."applied_migrations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."applied_migrations"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."applied_migrations"() TO "postgres";

-- private/functions/apply_statuses.sql
CREATE OR REPLACE FUNCTION private.apply_statuses (
  message_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  update public.messages as message set
    status = case when told.rank > told.rank_before then ('{sent,failed,delivered,read,played}'::text[])[told.rank] else message.status end,
    sent_at = coalesce(told.sent_at, message.sent_at),
    delivered_at = coalesce(told.delivered_at, message.delivered_at),
    read_at = coalesce(told.read_at, message.read_at),
    played_at = coalesce(told.played_at, message.played_at),
    failed_at = case when told.was_given_up then told.failed_at else coalesce(told.failed_at, message.failed_at) end,
    -- A report of delivery disproves an earlier failure.
    error = case
      when greatest(told.rank, told.rank_before) > 2 or told.rank_before = 0 and told.failed_at is null then null
      when told.failed_at is null then message.error
      else coalesce((
        select coalesce(report.error, private.error_of(report.errors)) from public.message_statuses as report
        where report.connection_id = message.connection_id and report.wamid = message.wamid and report.status = 'failed'
        order by report.occurred_at, report.participant limit 1), case when told.rank_before > 0 then message.error end)
    end
  from (
    select target.id, max(ladder.rank) as rank,
      -- We gave up on hearing about it, and were wrong to: any report counts for more.
      coalesce(target.error ->> 'code' = 'outcome_unknown', false) as was_given_up,
      case when target.error ->> 'code' = 'outcome_unknown' then 0
        else coalesce(array_position('{sent,failed,delivered,read,played}', target.status), 0) end as rank_before,
      min(report.occurred_at) filter (where report.status = 'sent') as sent_at,
      min(report.occurred_at) filter (where report.status = 'delivered') as delivered_at,
      min(report.occurred_at) filter (where report.status = 'read') as read_at,
      min(report.occurred_at) filter (where report.status = 'played') as played_at,
      min(report.occurred_at) filter (where report.status = 'failed') as failed_at
    from unnest(message_ids) as concerned (id)
    join public.messages as target on target.id = concerned.id and target.direction = 'outbound'
    join public.message_statuses as report on report.connection_id = target.connection_id and report.wamid = target.wamid
    -- The ladder of private.status_rank, written out: this runs for every report there is.
    cross join lateral (select array_position('{sent,failed,delivered,read,played}', report.status) as rank) as ladder
    where ladder.rank is not null
    group by target.id
  ) as told
  where message.id = told.id;

  -- What WhatsApp has reported on needs no sending any more.
  perform private.settle_outbound(message_ids);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."apply_statuses"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."apply_statuses"(uuid[]) IS 'Brings messages to what their reports say. The caller holds them, see hold_messages. Running it again changes nothing.';

REVOKE ALL ON FUNCTION "private"."apply_statuses"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."apply_statuses"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."apply_statuses"(uuid[]) TO "postgres";

-- private/functions/archive_conversation.sql
CREATE OR REPLACE FUNCTION private.archive_conversation (
  conversation_id uuid,
  status          text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  update public.conversations as own set status = archive_conversation.status
  where own.id = thread.id and own.status <> archive_conversation.status;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."archive_conversation"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."archive_conversation"(uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."archive_conversation"(uuid, text) IS 'Sets the status of a conversation of the caller''s. WA004.';

REVOKE ALL ON FUNCTION "private"."archive_conversation"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."archive_conversation"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."archive_conversation"(uuid, text) TO "postgres";

-- private/functions/arrived_media_status.sql
CREATE OR REPLACE FUNCTION private.arrived_media_status (
  type     text,
  media_id text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return case when arrived_media_status.media_id is not null then 'pending'
    when arrived_media_status.type in ('image', 'video', 'audio', 'document', 'sticker') then 'failed' end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."arrived_media_status"(text, text) TO "service_role";

COMMENT ON FUNCTION "private"."arrived_media_status"(text, text) IS 'The media_status a message arrives with. A picture without an id, which happens, is not one that will still come.';

REVOKE ALL ON FUNCTION "private"."arrived_media_status"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."arrived_media_status"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."arrived_media_status"(text, text) TO "postgres";

-- private/functions/arrived_messages.sql
CREATE OR REPLACE FUNCTION private.arrived_messages (
  messages jsonb
)
  RETURNS private.inbound_message[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  -- Each once, in the one order in which everybody takes them. What belongs to a number that nobody has connected is
  -- left out here, and its event set aside.
  return array(
    select row(m.event_id, m.phone_number_id, m.wamid, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id, m.profile_name,
      m.direction, m.status, m.imported, m.type, m.content, m.reply_to_wamid, m.occurred_at, m.media_id, m.media_mime_type,
      m.media_sha256, m.media_filename, m.workspace_id, m.connection_id)::private.inbound_message
    from (
      select distinct on (connection.id, told.wamid collate "C", coalesce(told.imported, false), told.type = 'media_placeholder')
        told.event_id, told.phone_number_id, told.wamid, told.wa_id, told.bsuid, told.parent_bsuid, told.group_id,
        told.profile_name, coalesce(told.direction, 'inbound') as direction, coalesce(told.status, 'received') as status,
        coalesce(told.imported, false) as imported, told.type, told.content, told.reply_to_wamid,
        coalesce(told.occurred_at, private.received_at(told.event_id)) as occurred_at, told.media_id, told.media_mime_type,
        told.media_sha256, told.media_filename, connection.workspace_id, connection.id as connection_id
      from jsonb_populate_recordset(null::private.inbound_message, arrived_messages.messages) with ordinality as told
      join public.whatsapp_connections as connection on connection.phone_number_id = told.phone_number_id and connection.verified_at is not null
      -- A picture told twice, with an id and without: the one with it.
      order by connection.id, told.wamid collate "C", coalesce(told.imported, false), told.type = 'media_placeholder',
        coalesce(private.arrived_media_status(told.type, told.media_id) = 'failed', false), told.ordinality
    ) as m);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."arrived_messages"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."arrived_messages"(jsonb) IS 'The messages of record_inbound, with the connection that each belongs to.';

REVOKE ALL ON FUNCTION "private"."arrived_messages"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."arrived_messages"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."arrived_messages"(jsonb) TO "postgres";

-- private/functions/arrived_statuses.sql
CREATE OR REPLACE FUNCTION private.arrived_statuses (
  statuses jsonb
)
  RETURNS private.inbound_status[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  -- The first of those that say the same, in the one order in which everybody takes them. Also of one second only one is
  -- first, and the same one to whoever meets them elsewhere: record_statuses has this order, too.
  return array(
    select row(s.event_id, s.phone_number_id, s.wamid, s.status, s.participant, s.occurred_at, s.callback_data, s.errors, s.error,
      s.details, s.workspace_id, s.connection_id)::private.inbound_status
    from (
      select distinct on (connection.id, told.wamid collate "C", told.status collate "C", coalesce(told.participant, '') collate "C")
        told.event_id, told.phone_number_id, told.wamid, told.status, coalesce(told.participant, '') as participant,
        coalesce(told.occurred_at, private.received_at(told.event_id)) as occurred_at, told.callback_data, told.errors, told.error,
        coalesce(told.details, '{}') as details, connection.workspace_id, connection.id as connection_id
      from jsonb_populate_recordset(null::private.inbound_status, arrived_statuses.statuses) as told
      join public.whatsapp_connections as connection on connection.phone_number_id = told.phone_number_id and connection.verified_at is not null
      -- By bytes: a language's order costs ten times as much and says nothing here.
      order by connection.id, told.wamid collate "C", told.status collate "C", coalesce(told.participant, '') collate "C",
        occurred_at, told.errors is null, told.errors, details, told.callback_data is null, told.callback_data collate "C"
    ) as s);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."arrived_statuses"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."arrived_statuses"(jsonb) IS 'The reports of record_inbound, with the connection that each belongs to.';

REVOKE ALL ON FUNCTION "private"."arrived_statuses"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."arrived_statuses"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."arrived_statuses"(jsonb) TO "postgres";

-- private/functions/ask_after_inbound.sql
CREATE OR REPLACE FUNCTION private.ask_after_inbound (
  facts   jsonb,
  reports private.inbound_status[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  -- Ten seconds, so that what lags behind the webhooks at the provider has come up to them.
  perform private.ask_for_chores(array(
    select distinct connection.id
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as fact
    cross join lateral private.connections_meant(fact) as connection
    where fact.kind = 'notice'
    union
    -- A report may be old: whether it still is so, the number's health says.
    select report.connection_id from unnest(reports) as report
    where report.error is not null and private.tells_of_number(report.error)
  ), 'health', interval '10 seconds');
  perform private.ask_for_chores(array(
    select connection.id
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as fact
    cross join lateral private.connections_meant(fact) as connection
    where fact.kind = 'template'
    union
    select report.connection_id from unnest(reports) as report
    where report.error is not null and private.tells_of_templates(report.error)
  ), 'templates', interval '10 seconds');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ask_after_inbound"(jsonb, private.inbound_status[]) TO "service_role";

COMMENT ON FUNCTION "private"."ask_after_inbound"(jsonb, private.inbound_status[]) IS 'A webhook about a template, or a template that was refused after all, has the templates synced; a notice, or a failure that is the number''s, has the number looked at.';

REVOKE ALL ON FUNCTION "private"."ask_after_inbound"(jsonb, private.inbound_status[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ask_after_inbound"(jsonb, private.inbound_status[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ask_after_inbound"(jsonb, private.inbound_status[]) TO "postgres";

-- private/functions/ask_for_chores.sql
CREATE OR REPLACE FUNCTION private.ask_for_chores (
  connection_ids uuid[],
  kind           text,
  soon           interval
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  if connection_ids = '{}' then
    return;
  end if;
  -- In one order, and only those that would not be done by then anyway: a campaign with a wrong template asks once.
  perform from private.connection_chores as chore
  where chore.connection_id = any (connection_ids) and chore.kind = ask_for_chores.kind
    and chore.due_at > greatest(now() + soon, chore.started_at + interval '1 minute')
  order by chore.connection_id for update;
  update private.connection_chores as chore set due_at = greatest(now() + soon, chore.started_at + interval '1 minute')
  where chore.connection_id = any (connection_ids) and chore.kind = ask_for_chores.kind
    and chore.due_at > greatest(now() + soon, chore.started_at + interval '1 minute');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ask_for_chores"(uuid[], text, interval) TO "service_role";

COMMENT ON FUNCTION "private"."ask_for_chores"(uuid[], text, interval) IS 'Has a chore of these numbers done soon, a minute after it was begun last at the earliest. Callers lock the numbers before, never after.';

REVOKE ALL ON FUNCTION "private"."ask_for_chores"(uuid[], text, interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ask_for_chores"(uuid[], text, interval) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ask_for_chores"(uuid[], text, interval) TO "postgres";

-- private/functions/assign_conversation.sql
CREATE OR REPLACE FUNCTION private.assign_conversation (
  conversation_id uuid,
  user_id         uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  -- The member before the thread, as whoever removes them takes them.
  perform from public.workspace_members as member
  where member.workspace_id = thread.workspace_id and member.user_id = assign_conversation.user_id for key share;
  update public.conversations as own set assigned_to = assign_conversation.user_id
  where own.id = thread.id and own.assigned_to is distinct from assign_conversation.user_id;
exception when foreign_key_violation then
  -- By the key and not by a look before, which somebody who leaves at this moment would pass.
  raise exception 'no member of the workspace' using errcode = 'WA025', detail = 'user_id', hint = 'The id of a member, or null for nobody.';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."assign_conversation"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."assign_conversation"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."assign_conversation"(uuid, uuid) IS 'Gives a conversation of the caller''s to a member, or to nobody. WA004, WA025.';

REVOKE ALL ON FUNCTION "private"."assign_conversation"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."assign_conversation"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."assign_conversation"(uuid, uuid) TO "postgres";

-- private/functions/await_recordings.sql
CREATE OR REPLACE FUNCTION private.await_recordings()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- All numbers of the workspaces, in the one order: what hangs on a contact is locked in no order at all.
  perform pg_advisory_xact_lock_shared(private.turn_of(number.id))
  from (
    select id from public.whatsapp_connections
    where workspace_id = any (case when tg_level = 'ROW' then array[old.workspace_id] else array(select private.user_workspace_ids()) end)
    order by id
  ) as number;
  return old;
end
$function$;

COMMENT ON FUNCTION "private"."await_recordings"() IS 'A contact is deleted between recordings of its workspace''s numbers, never during one: they would wait for each other''s rows.';

REVOKE ALL ON FUNCTION "private"."await_recordings"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."await_recordings"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."await_recordings"() TO "postgres";

-- private/functions/await_removals.sql
CREATE OR REPLACE FUNCTION private.await_removals()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  -- A claim of this moment is waited for; what it has not leased is needed again.
  delete from private.media_removals as removal using queued_downloads as item
  where removal.prefix = item.object_name and removal.lease_token is null;
  -- What it has leased may go at any moment until then: the file comes after it.
  update public.media_downloads as item set available_at = removal.available_at + interval '1 minute'
  from queued_downloads as queued join private.media_removals as removal on removal.prefix = queued.object_name
  where item.message_id = queued.message_id;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."await_removals"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."await_removals"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."await_removals"() TO "postgres";

-- private/functions/brings_file.sql
CREATE OR REPLACE FUNCTION private.brings_file (
  told    private.inbound_message,
  message public.messages
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return message.type = 'media_placeholder' and told.type <> 'media_placeholder'
    or message.media_status = 'failed' and message.media_id is null and told.media_id is not null;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."brings_file"(private.inbound_message, public.messages) TO "service_role";

COMMENT ON FUNCTION "private"."brings_file"(private.inbound_message, public.messages) IS 'Whether a message that is here already waits for what this one tells: a placeholder for its file, a file for its id.';

REVOKE ALL ON FUNCTION "private"."brings_file"(private.inbound_message, public.messages) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."brings_file"(private.inbound_message, public.messages) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."brings_file"(private.inbound_message, public.messages) TO "postgres";

-- private/functions/broadcast_conversations.sql
CREATE OR REPLACE FUNCTION private.broadcast_conversations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  perform private.broadcast(changed.workspace_id, 'conversation', lower(tg_op), changed.ids)
  from (
    select told.workspace_id, array_agg(told.id) as ids
    from changed_rows as told
    where told.workspace_id = any (array(
      select tenant.id from (select distinct each.workspace_id from changed_rows as each) as present
      join public.workspaces as tenant on tenant.id = present.workspace_id and tenant.broadcasts))
    group by told.workspace_id
  ) as changed;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."broadcast_conversations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_conversations"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."broadcast_conversations"() TO "postgres";

-- private/functions/broadcast_messages.sql
CREATE OR REPLACE FUNCTION private.broadcast_messages()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  perform private.broadcast(changed.workspace_id, 'message', lower(tg_op), changed.ids, changed.conversation_ids)
  from (
    select told.workspace_id, array_agg(told.id) as ids,
      array_agg(distinct told.conversation_id) filter (where told.conversation_id is not null) as conversation_ids
    from changed_rows as told
    -- Found once for a statement, which is nearly always of one workspace, and not for each row.
    where told.workspace_id = any (array(
      select tenant.id from (select distinct each.workspace_id from changed_rows as each) as present
      join public.workspaces as tenant on tenant.id = present.workspace_id and tenant.broadcasts))
    group by told.workspace_id
  ) as changed;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."broadcast_messages"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast_messages"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."broadcast_messages"() TO "postgres";

-- private/functions/broadcast.sql
CREATE OR REPLACE FUNCTION private.broadcast (
  workspace_id     uuid,
  event            text,
  op               text,
  ids              uuid[],
  conversation_ids uuid[] DEFAULT NULL::uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  perform realtime.send(
    case when cardinality(ids) > 100 then jsonb_build_object('op', 'many')
      else jsonb_strip_nulls(jsonb_build_object('op', op, 'ids', ids, 'conversation_ids', conversation_ids)) end,
    event, 'workspace:' || workspace_id, true);
end
$function$;

COMMENT ON FUNCTION "private"."broadcast"(uuid, text, text, uuid[], uuid[]) IS 'Tells a workspace''s topic {op, ids, conversation_ids?}, or {op: many} of more than a hundred: then all is to be read again.';

REVOKE ALL ON FUNCTION "private"."broadcast"(uuid, text, text, uuid[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."broadcast"(uuid, text, text, uuid[], uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."broadcast"(uuid, text, text, uuid[], uuid[]) TO "postgres";

-- private/functions/callback_data.sql
CREATE OR REPLACE FUNCTION private.callback_data (
  message public.messages
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return message.id || coalesce('/' || nullif(jsonb_array_length(message.previous_attempts), 0), '');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."callback_data"(public.messages) TO "service_role";

COMMENT ON FUNCTION "private"."callback_data"(public.messages) IS 'What WhatsApp echoes in every report (biz_opaque_callback_data): the message''s id, and after a retry by hand the number of attempts before it.';

REVOKE ALL ON FUNCTION "private"."callback_data"(public.messages) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."callback_data"(public.messages) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."callback_data"(public.messages) TO "postgres";

-- private/functions/cancel_message.sql
CREATE OR REPLACE FUNCTION private.cancel_message (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  wanted public.messages := private.held_message(message_id);
begin
  perform from public.outbox as item
  where item.message_id = wanted.id and item.lease_token is null and item.uncertain_since is null for update;
  if not found then
    -- Or it is gone altogether by now.
    wanted := private.own_message(message_id);
    raise exception 'the message is not waiting any more' using errcode = 'WA007',
      hint = 'Only a queued message can be canceled.', detail = wanted.status;
  end if;
  update public.messages as message set status = 'canceled', error = null where message.id = wanted.id;
  delete from public.outbox as item where item.message_id = wanted.id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."cancel_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."cancel_message"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."cancel_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."cancel_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."cancel_message"(uuid) TO "postgres";

-- private/functions/change_member_role.sql
CREATE OR REPLACE FUNCTION private.change_member_role (
  workspace_id uuid,
  user_id      uuid,
  role         text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(change_member_role.workspace_id, array['owner', 'admin']);
  former text;
begin
  select member.role into former from public.workspace_members as member
  where member.workspace_id = change_member_role.workspace_id and member.user_id = change_member_role.user_id;
  if former is null then
    raise exception 'no such member' using errcode = 'WA004';
  end if;
  perform private.need_role(change_member_role.role);
  if own_role <> 'owner' and 'owner' in (former, change_member_role.role) then
    perform private.refuse_role();
  end if;
  update public.workspace_members as member set role = change_member_role.role
  where member.workspace_id = change_member_role.workspace_id and member.user_id = change_member_role.user_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."change_member_role"(uuid, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."change_member_role"(uuid, uuid, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."change_member_role"(uuid, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."change_member_role"(uuid, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."change_member_role"(uuid, uuid, text) TO "postgres";

-- private/functions/check_action.sql
CREATE OR REPLACE FUNCTION private.check_action (
  kind         text,
  action       jsonb,
  workspace_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  parameters jsonb := action -> 'parameters';
  name text := case check_action.kind
    when 'location_request_message' then 'send_location' when 'contact_request' then 'request_contact_info'
    else check_action.kind end;
begin
  case kind
    when 'button' then
      return private.check_reply_buttons(action -> 'buttons', 'reply', 'action.buttons');
    when 'list' then
      return private.check_text(action -> 'button', 20, 'action.button')
        and private.check_sections(action -> 'sections', kind);
    when 'product_list' then
      return private.check_text(action -> 'catalog_id', 100, 'action.catalog_id')
        and private.check_sections(action -> 'sections', kind);
    when 'product' then
      return private.check_text(action -> 'catalog_id', 100, 'action.catalog_id')
        and private.check_text(action -> 'product_retailer_id', 1000, 'action.product_retailer_id');
    when 'carousel' then
      return private.check_cards(action -> 'cards', workspace_id);
    else
      -- All others are called by their name.
      checked := private.check_choice(action -> 'name', array[name], 'action.name');
  end case;
  if kind in ('cta_url', 'flow', 'address_message') or action ->> 'parameters' is not null then
    checked := private.check_kind(parameters, 'object', 'action.parameters');
  end if;
  case kind
    when 'cta_url' then
      return private.check_link_button(parameters, 'action.parameters');
    when 'flow' then
      return private.check_flow(parameters);
    when 'address_message' then
      return private.check_text(parameters -> 'country', 2, 'action.parameters.country');
    when 'catalog_message' then
      return private.check_optional_text(parameters -> 'thumbnail_product_retailer_id', 1000,
        'action.parameters.thumbnail_product_retailer_id');
    when 'voice_call' then
      if parameters ->> 'ttl_minutes' is not null then
        checked := private.check_number(parameters -> 'ttl_minutes', 1, 43200, 'action.parameters.ttl_minutes');
      end if;
      return private.check_optional_text(parameters -> 'display_text', 20, 'action.parameters.display_text')
        and private.check_optional_text(parameters -> 'payload', 512, 'action.parameters.payload');
    else
      return true;
  end case;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_action"(text, jsonb, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_action"(text, jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."check_action"(text, jsonb, uuid) IS 'The action of an interactive message.';

REVOKE ALL ON FUNCTION "private"."check_action"(text, jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_action"(text, jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_action"(text, jsonb, uuid) TO "postgres";

-- private/functions/check_array.sql
CREATE OR REPLACE FUNCTION private.check_array (
  value  jsonb,
  fewest integer,
  most   integer,
  field  text
)
  RETURNS integer
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if private.check_kind(value, 'array', field) and jsonb_array_length(value) not between fewest and most then
    perform private.refuse_content('WA015', field, format('%s to %s elements', fewest, most));
  end if;
  return jsonb_array_length(value);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) IS 'A required array; answers its length.';

REVOKE ALL ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_array"(jsonb, integer, integer, text) TO "postgres";

-- private/functions/check_canned_reply.sql
CREATE OR REPLACE FUNCTION private.check_canned_reply()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  refused boolean;
begin
  if coalesce(new.shortcut, '') !~ '^\S{1,50}$' then
    refused := private.refuse_content('WA014', 'shortcut', 'from 1 to 50 characters, none of them a space');
  elsif coalesce(btrim(new.body), '') = '' then
    refused := private.refuse_content('WA011', 'body', 'from 1 to 4096 characters');
  elsif char_length(new.body) > 4096 then
    refused := private.refuse_content('WA013', 'body', 'at most 4096 characters');
  end if;
  return new;
end
$function$;

COMMENT ON FUNCTION "private"."check_canned_reply"() IS 'Raises WA011, WA013 or WA014 for a canned reply as a member may not write it.';

REVOKE ALL ON FUNCTION "private"."check_canned_reply"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_canned_reply"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_canned_reply"() TO "postgres";

-- private/functions/check_card_action.sql
CREATE OR REPLACE FUNCTION private.check_card_action (
  action jsonb,
  field  text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if action ->> 'buttons' is not null then
    return private.check_reply_buttons(action -> 'buttons', 'quick_reply', field || '.buttons');
  elsif action ->> 'catalog_id' is not null or action ->> 'product_retailer_id' is not null then
    return private.check_text(action -> 'catalog_id', 100, field || '.catalog_id')
      and private.check_text(action -> 'product_retailer_id', 1000, field || '.product_retailer_id');
  end if;
  return private.check_choice(action -> 'name', '{cta_url}', field || '.name')
    and private.check_link_button(action -> 'parameters', field || '.parameters');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_card_action"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_card_action"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_card_action"(jsonb, text) IS 'What a card offers: quick replies, a product or a link.';

REVOKE ALL ON FUNCTION "private"."check_card_action"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_card_action"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_card_action"(jsonb, text) TO "postgres";

-- private/functions/check_card.sql
CREATE OR REPLACE FUNCTION private.check_card (
  card  jsonb,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean := private.check_kind(card, 'object', field)
    and private.check_kind(card -> 'name', 'object', field || '.name')
    and private.check_text(card #> '{name,formatted_name}', 1000, field || '.name.formatted_name');
  part text;
begin
  foreach part in array '{phones,emails,addresses,urls}'::text[] loop
    if card ->> part is not null then
      for position in 0 .. private.check_array(card -> part, 0, 50, field || '.' || part) - 1 loop
        checked := private.check_lines(card -> part -> position, field || '.' || part || '[' || position || ']');
      end loop;
    end if;
  end loop;
  if card ->> 'org' is not null then
    checked := private.check_lines(card -> 'org', field || '.org');
  end if;
  if card ->> 'birthday' is not null and not coalesce((card ->> 'birthday') ~ '^\d{4}-\d{2}-\d{2}$', false) then
    return private.check_kind(card -> 'birthday', 'string', field || '.birthday')
      and private.refuse_content('WA014', field || '.birthday', 'a date as YYYY-MM-DD');
  end if;
  return private.check_lines(card -> 'name', field || '.name');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_card"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_card"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_card"(jsonb, text) IS 'One contact card.';

REVOKE ALL ON FUNCTION "private"."check_card"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_card"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_card"(jsonb, text) TO "postgres";

-- private/functions/check_cards.sql
CREATE OR REPLACE FUNCTION private.check_cards (
  cards        jsonb,
  workspace_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  card jsonb;
  place text;
begin
  for position in 0 .. private.check_array(cards, 2, 10, 'action.cards') - 1 loop
    card := cards -> position;
    place := 'action.cards[' || position || ']';
    checked := private.check_kind(card, 'object', place)
      and private.check_number(card -> 'card_index', 0, 9, place || '.card_index')
      and private.check_choice(card -> 'type', '{cta_url,product}', place || '.type')
      and private.check_kind(card -> 'action', 'object', place || '.action');
    if card ->> 'header' is not null then
      checked := private.check_header(card -> 'header', '{image,video}', workspace_id, place || '.header');
    end if;
    if card ->> 'body' is not null then
      checked := private.check_part(card -> 'body', 160, place || '.body');
      if (card #>> '{body,text}') ~ '\n[^\n]*\n[^\n]*\n' then
        return private.refuse_content('WA014', place || '.body.text', 'at most two line breaks');
      end if;
    end if;
    checked := private.check_card_action(card -> 'action', place || '.action');
  end loop;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_cards"(jsonb, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_cards"(jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."check_cards"(jsonb, uuid) IS 'Two to ten cards of a carousel that is no template.';

REVOKE ALL ON FUNCTION "private"."check_cards"(jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_cards"(jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_cards"(jsonb, uuid) TO "postgres";

-- private/functions/check_choice.sql
CREATE OR REPLACE FUNCTION private.check_choice (
  value   jsonb,
  choices text[],
  field   text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if private.check_kind(value, 'string', field) and (value #>> '{}') = any (choices) then
    return true;
  end if;
  return private.refuse_content('WA014', field, 'one of: ' || array_to_string(choices, ', '));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_choice"(jsonb, text[], text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_choice"(jsonb, text[], text) TO "service_role";

COMMENT ON FUNCTION "private"."check_choice"(jsonb, text[], text) IS 'A required word out of a list.';

REVOKE ALL ON FUNCTION "private"."check_choice"(jsonb, text[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_choice"(jsonb, text[], text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_choice"(jsonb, text[], text) TO "postgres";

-- private/functions/check_components.sql
CREATE OR REPLACE FUNCTION private.check_components (
  components   jsonb,
  workspace_id uuid,
  field        text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  component jsonb;
  kind text;
  place text;
  parameters jsonb;
  parameter jsonb;
  written text;
begin
  for position in 0 .. private.check_array(components, 0, 20, field) - 1 loop
    component := components -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(component, 'object', place) and private.check_text(component -> 'type', 100, place || '.type');
    kind := lower(component ->> 'type');
    if kind = 'button' then
      checked := private.check_text(component -> 'sub_type', 40, place || '.sub_type')
        and private.check_digits(component -> 'index', 1, 1, place || '.index');
    elsif kind = 'carousel' then
      checked := private.check_template_cards(component -> 'cards', workspace_id, place || '.cards');
    end if;
    parameters := component -> 'parameters';
    if parameters is null or parameters = 'null' then
      continue;
    end if;
    place := place || '.parameters';
    for index in 0 .. private.check_array(parameters, 0, 100, place) - 1 loop
      parameter := parameters -> index;
      written := parameter ->> 'text';
      -- What nearly all of them are, without a call.
      if parameter ->> 'type' = 'text' and jsonb_typeof(parameter -> 'text') = 'string' and char_length(written) between 1 and 1024
        and written !~ '[\n\t]|     |^\s*$'
        and (parameter -> 'parameter_name' is null
          or (parameter -> 'parameter_name')::text ~ '^"\w+"$' and char_length(parameter ->> 'parameter_name') <= 200) then
        continue;
      end if;
      checked := private.check_parameter(parameter, kind in ('header', 'body'), workspace_id, place || '[' || index || ']');
    end loop;
  end loop;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_components"(jsonb, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_components"(jsonb, uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_components"(jsonb, uuid, text) IS 'The components of a template or of one of its cards.';

REVOKE ALL ON FUNCTION "private"."check_components"(jsonb, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_components"(jsonb, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_components"(jsonb, uuid, text) TO "postgres";

-- private/functions/check_contact.sql
CREATE OR REPLACE FUNCTION private.check_contact()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  refused boolean;
begin
  if new.phone !~ '^\+[1-9][0-9]{4,14}$' then
    refused := private.refuse_content('WA014', 'phone', 'a number in E.164, like +972501234567');
  elsif char_length(new.name) > 1000 then
    refused := private.refuse_content('WA013', 'name', 'at most 1000 characters');
  elsif cardinality(new.tags) > 100 or array_position(new.tags, null) is not null then
    refused := private.refuse_content('WA015', 'tags', 'at most 100, none of them null');
  elsif exists (select from unnest(new.tags) as tag where char_length(tag) not between 1 and 100) then
    refused := private.refuse_content('WA013', 'tags', 'each from 1 to 100 characters');
  elsif jsonb_typeof(new.attributes) <> 'object' then
    refused := private.refuse_content('WA012', 'attributes', 'a JSON object');
  elsif pg_column_size(new.attributes) > 65536 then
    refused := private.refuse_content('WA013', 'attributes', 'at most 64 kB');
  end if;
  return new;
end
$function$;

COMMENT ON FUNCTION "private"."check_contact"() IS 'Raises WA012 to WA015 for a contact as a member may not write it.';

REVOKE ALL ON FUNCTION "private"."check_contact"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_contact"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_contact"() TO "postgres";

-- private/functions/check_content.sql
CREATE OR REPLACE FUNCTION private.check_content (
  type         text,
  content      jsonb,
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  STRICT
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
begin
  if check_content.type not in ('text', 'template', 'interactive', 'image', 'video', 'audio', 'document', 'sticker', 'location', 'contacts', 'reaction') then
    perform private.refuse_content('WA010', 'type',
      'one of: text, template, interactive, image, video, audio, document, sticker, location, contacts, reaction');
  elsif jsonb_typeof(content) <> (case check_content.type when 'contacts' then 'array' else 'object' end) then
    raise exception 'content of type % has the wrong shape', check_content.type
      using errcode = 'WA005', detail = 'content', hint = 'Use the Cloud API''s own object for the type.';
  end if;
  case check_content.type
    when 'text' then
      checked := private.check_text(content -> 'body', 4096, 'body');
      if content ->> 'preview_url' is not null then
        checked := private.check_kind(content -> 'preview_url', 'boolean', 'preview_url');
      end if;
    when 'template' then
      checked := private.check_template(content, workspace_id);
    when 'interactive' then
      checked := private.check_interactive(content, workspace_id);
    when 'image', 'video', 'audio', 'document', 'sticker' then
      checked := private.check_media(content, check_content.type, workspace_id, '');
      if check_content.type = 'audio' and content ->> 'voice' is not null then
        checked := private.check_kind(content -> 'voice', 'boolean', 'voice');
      end if;
      if content ->> 'caption' is not null then
        if check_content.type in ('audio', 'sticker') then
          checked := private.refuse_content('WA014', 'caption', 'audio and stickers have no caption');
        end if;
        checked := private.check_optional_text(content -> 'caption', 1024, 'caption', may_be_empty => true);
      end if;
    when 'location' then
      checked := private.check_location(content, '');
    when 'contacts' then
      for position in 0 .. private.check_array(content, 1, 5, 'content') - 1 loop
        checked := private.check_card(content -> position, '[' || position || ']');
      end loop;
    when 'reaction' then
      checked := private.check_text(content -> 'message_id', 512, 'message_id')
        and private.check_kind(content -> 'emoji', 'string', 'emoji')
        and private.check_optional_text(content -> 'emoji', 40, 'emoji', may_be_empty => true);
      -- An emoji is never ASCII alone, not even the number keys.
      if content ->> 'emoji' <> '' and octet_length(content ->> 'emoji') = char_length(content ->> 'emoji') then
        checked := private.refuse_content('WA014', 'emoji', 'an emoji, or an empty text to remove the reaction');
      end if;
  end case;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_content"(text, jsonb, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_content"(text, jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."check_content"(text, jsonb, uuid) IS 'Raises WA005, WA010 to WA016 or WA021 to WA023 for content that WhatsApp would refuse. Keys it does not know pass.';

REVOKE ALL ON FUNCTION "private"."check_content"(text, jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_content"(text, jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_content"(text, jsonb, uuid) TO "postgres";

-- private/functions/check_digits.sql
CREATE OR REPLACE FUNCTION private.check_digits (
  value  jsonb,
  fewest integer,
  most   integer,
  field  text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if jsonb_typeof(value) in ('string', 'number') then
    if char_length(value #>> '{}') between fewest and most and (value #>> '{}') ~ '^[0-9]+$' then
      return true;
    end if;
    return private.refuse_content('WA014', field,
      case when most = 1 then 'one digit' else format('%s to %s digits', fewest, most) end);
  end if;
  return private.check_kind(value, 'string', field);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) IS 'A required id, index or time of day in digits.';

REVOKE ALL ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_digits"(jsonb, integer, integer, text) TO "postgres";

-- private/functions/check_envelope.sql
CREATE OR REPLACE FUNCTION private.check_envelope (
  type             text,
  content          jsonb,
  client_reference text,
  reply_to_wamid   text,
  send_after       timestamp with time zone
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
  refused boolean;
begin
  if type is null then
    refused := private.refuse_content('WA011', 'type', 'what kind of message it is');
  elsif content is null then
    refused := private.refuse_content('WA011', 'content', 'the Cloud API''s own object for the type');
  -- The largest that WhatsApp takes, a contact card of many lines, is a tenth of it.
  elsif pg_column_size(content) > 262144 then
    refused := private.refuse_content('WA013', 'content', 'at most 256 kB');
  -- A message that cannot be read back would take those along that are claimed with it. Nothing small is so deep.
  elsif pg_column_size(content) > 500 and jsonb_path_exists(content, 'strict $.**{65}') then
    refused := private.refuse_content('WA014', 'content', 'at most 64 levels deep');
  -- Written out, 1e5000 has 5,001 digits, which not everybody takes for a number.
  elsif jsonb_path_exists(content, 'strict $.** ? (@ > 1e300 || @ < -1e300)') then
    refused := private.refuse_content('WA014', 'content', 'numbers from -1e300 to 1e300');
  elsif client_reference = '' then
    refused := private.refuse_content('WA011', 'client_reference', 'from 1 to 200 characters, or null');
  elsif char_length(client_reference) > 200 then
    refused := private.refuse_content('WA013', 'client_reference', 'at most 200 characters');
  -- A reply that quotes nothing would be sent as none.
  elsif reply_to_wamid !~ '\S' then
    refused := private.refuse_content('WA011', 'reply_to_wamid', 'the wamid of a message, or null');
  elsif char_length(reply_to_wamid) > 512 then
    refused := private.refuse_content('WA013', 'reply_to_wamid', 'the wamid of a message');
  -- What never leaves would be queued for ever.
  elsif not isfinite(send_after) or send_after > now() + interval '1 year' then
    refused := private.refuse_content('WA014', 'send_after', 'a time within a year from now');
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp WITH time zone) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp with time zone) IS 'Raises WA011, WA013 or WA014 for what stands beside the content of an outgoing message, or for its size.';

REVOKE ALL ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_envelope"(text, jsonb, text, text, timestamp WITH time zone) TO "postgres";

-- private/functions/check_file.sql
CREATE OR REPLACE FUNCTION private.check_file (
  path  text,
  kind  text,
  voice boolean,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  told jsonb;
  sent_as text;
  types text[];
begin
  select coalesce(object.metadata, '{}') into told
  from storage.objects as object where object.bucket_id = 'whatsapp-media' and object.name = path
    -- Whoever is deleting it at this moment will not wait for a message.
    and not exists (select from private.media_removals as removal where removal.prefix = path and removal.lease_token is not null);
  if not found then
    return private.refuse_content('WA021', field, 'an object that lies in the bucket whatsapp-media');
  end if;
  sent_as := private.sent_type(path, coalesce(told ->> 'mimetype', ''), voice);
  types := private.sendable_types(kind);
  if sent_as <> all (types) then
    return private.refuse_content('WA022', field, format('one of: %s; it is %s', array_to_string(types, ', '), sent_as));
  elsif (told ->> 'size')::numeric not between 1 and private.sendable_bytes(kind) then
    return private.refuse_content('WA023', field, format('1 to %s bytes; it has %s', private.sendable_bytes(kind), told ->> 'size'));
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_file"(text, text, boolean, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_file"(text, text, boolean, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_file"(text, text, boolean, text) IS 'An object of the bucket that WhatsApp takes as this kind of file.';

REVOKE ALL ON FUNCTION "private"."check_file"(text, text, boolean, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_file"(text, text, boolean, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_file"(text, text, boolean, text) TO "postgres";

-- private/functions/check_filters.sql
CREATE OR REPLACE FUNCTION private.check_filters (
  filters jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
  field text;
  allowed text;
begin
  if jsonb_typeof(filters) <> 'object' or pg_column_size(filters) > 20000 then
    perform private.refuse_argument('filters', 'an object of at most 20 kB');
  end if;
  select key into field from jsonb_object_keys(filters) as key
  where key not in ('search', 'status', 'unread', 'assignee', 'tags', 'connection_id', 'limit', 'cursor') limit 1;
  if found then
    perform private.refuse_argument(left(field, 100), 'search, status, unread, assignee, tags, connection_id, limit, cursor');
  end if;
  -- All at once: every page of every inbox comes by here.
  select known.field, known.allowed into field, allowed
  from (values ('search', 'string', 'from 2 to 100 characters'), ('status', 'string', 'open, archived or all'),
    ('unread', 'boolean', 'true or false'), ('assignee', 'string', 'me, nobody or a user id'), ('tags', 'array', 'an array of texts'),
    ('connection_id', 'string', 'a uuid'), ('limit', 'number', 'a whole number from 1 to 200'), ('cursor', 'string', 'the cursor of a row')
  ) as known (field, kind, allowed)
  where jsonb_typeof(filters -> known.field) not in (known.kind, 'null') limit 1;
  if found then
    perform private.refuse_argument(field, allowed);
  end if;
end
$function$;

COMMENT ON FUNCTION "private"."check_filters"(jsonb) IS 'WA024 unless it is an object of filters, each of its kind, or null.';

REVOKE ALL ON FUNCTION "private"."check_filters"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_filters"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_filters"(jsonb) TO "postgres";

-- private/functions/check_flow.sql
CREATE OR REPLACE FUNCTION private.check_flow (
  parameters jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  given integer := num_nonnulls(parameters ->> 'flow_id', parameters ->> 'flow_name');
begin
  if parameters -> 'flow_message_version' is distinct from '3' then
    checked := private.check_choice(parameters -> 'flow_message_version', '{3}', 'action.parameters.flow_message_version');
  end if;
  if given <> 1 then
    return private.refuse_content(case given when 0 then 'WA011' else 'WA016' end,
      'action.parameters.flow_id', 'exactly one of flow_id and flow_name');
  end if;
  checked := private.check_text(parameters -> 'flow_cta', 30, 'action.parameters.flow_cta')
    and private.check_optional_text(parameters -> 'flow_id', 100, 'action.parameters.flow_id')
    and private.check_optional_text(parameters -> 'flow_name', 200, 'action.parameters.flow_name')
    and private.check_optional_text(parameters -> 'flow_token', 1000, 'action.parameters.flow_token');
  if parameters ->> 'mode' is not null then
    checked := private.check_choice(parameters -> 'mode', '{draft,published}', 'action.parameters.mode');
  end if;
  if parameters ->> 'flow_action' is not null then
    checked := private.check_choice(parameters -> 'flow_action', '{navigate,data_exchange}', 'action.parameters.flow_action');
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_flow"(jsonb) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_flow"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."check_flow"(jsonb) IS 'The parameters of an action that opens a Flow.';

REVOKE ALL ON FUNCTION "private"."check_flow"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_flow"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_flow"(jsonb) TO "postgres";

-- private/functions/check_header.sql
CREATE OR REPLACE FUNCTION private.check_header (
  header       jsonb,
  kinds        text[],
  workspace_id uuid,
  field        text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  kind text;
begin
  if private.check_kind(header, 'object', field) and private.check_kind(header -> 'type', 'string', field || '.type') then
    -- WhatsApp takes the word in any case.
    kind := lower(header ->> 'type');
  end if;
  if kind <> all (kinds) then
    return private.refuse_content('WA014', field || '.type', 'one of: ' || array_to_string(kinds, ', '));
  elsif kind = 'text' then
    return private.check_text(header -> 'text', 60, field || '.text');
  end if;
  return private.check_media(header -> kind, kind, workspace_id, field || '.' || kind);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) IS 'A header of one of these kinds.';

REVOKE ALL ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_header"(jsonb, text[], uuid, text) TO "postgres";

-- private/functions/check_interactive.sql
CREATE OR REPLACE FUNCTION private.check_interactive (
  content      jsonb,
  workspace_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean := private.check_kind(content -> 'type', 'string', 'type');
  -- Meta's page says contact_request, clients in use say request_contact_info: both go out.
  kinds constant text[] := '{button,list,cta_url,flow,product,product_list,catalog_message,location_request_message,address_message,voice_call,call_permission_request,carousel,contact_request,request_contact_info}';
  kind text := lower(content ->> 'type');
begin
  if kind <> all (kinds) then
    return private.refuse_content('WA014', 'type', 'one of: ' || array_to_string(kinds, ', '));
  end if;
  if kind = 'product_list' or content ->> 'header' is not null then
    if kind in ('product', 'carousel') then
      return private.refuse_content('WA014', 'header', 'a message of this kind has no header');
    end if;
    checked := private.check_header(content -> 'header',
      case when kind in ('list', 'product_list') then '{text}' else '{text,image,video,document}' end::text[], workspace_id, 'header');
  end if;
  if kind <> 'product' or content ->> 'body' is not null then
    -- A list's body: Meta's page says 4096, its OpenAPI file 1024.
    checked := private.check_part(content -> 'body', case kind when 'list' then 4096 else 1024 end, 'body');
  end if;
  if content ->> 'footer' is not null then
    if kind = 'carousel' then
      return private.refuse_content('WA014', 'footer', 'a message of this kind has no footer');
    end if;
    checked := private.check_part(content -> 'footer', 60, 'footer');
  end if;
  return private.check_kind(content -> 'action', 'object', 'action')
    and private.check_action(kind, content -> 'action', workspace_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_interactive"(jsonb, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_interactive"(jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."check_interactive"(jsonb, uuid) IS 'An interactive message, ready to be sent.';

REVOKE ALL ON FUNCTION "private"."check_interactive"(jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_interactive"(jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_interactive"(jsonb, uuid) TO "postgres";

-- private/functions/check_kind.sql
CREATE OR REPLACE FUNCTION private.check_kind (
  value jsonb,
  kind  text,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if jsonb_typeof(value) = kind then
    return true;
  end if;
  -- A null is no value, here and everywhere.
  return private.refuse_content(
    case when coalesce(jsonb_typeof(value), 'null') = 'null' then 'WA011' else 'WA012' end, field,
    case kind when 'string' then 'a text' when 'boolean' then 'true or false' when 'number' then 'a number'
      when 'array' then 'a JSON array' else 'a JSON object' end);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_kind"(jsonb, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_kind"(jsonb, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_kind"(jsonb, text, text) IS 'A required value of this JSON kind.';

REVOKE ALL ON FUNCTION "private"."check_kind"(jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_kind"(jsonb, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_kind"(jsonb, text, text) TO "postgres";

-- private/functions/check_lines.sql
CREATE OR REPLACE FUNCTION private.check_lines (
  value jsonb,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean := private.check_kind(value, 'object', field);
  lines constant text[] := '{first_name,last_name,middle_name,prefix,suffix,phone,wa_id,email,url,type,street,city,state,zip,country,country_code,company,department,title}';
  line text;
begin
  foreach line in array lines loop
    if value ? line then
      checked := private.check_optional_text(value -> line, 1000, field || '.' || line, may_be_empty => true);
    end if;
  end loop;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_lines"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_lines"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_lines"(jsonb, text) IS 'A part of a contact card: all that WhatsApp documents in it are texts.';

REVOKE ALL ON FUNCTION "private"."check_lines"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_lines"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_lines"(jsonb, text) TO "postgres";

-- private/functions/check_link_button.sql
CREATE OR REPLACE FUNCTION private.check_link_button (
  parameters jsonb,
  field      text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return private.check_kind(parameters, 'object', field)
    and private.check_text(parameters -> 'display_text', 20, field || '.display_text')
    and private.check_url(parameters -> 'url', field || '.url');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_link_button"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_link_button"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_link_button"(jsonb, text) IS 'A button that opens a web page.';

REVOKE ALL ON FUNCTION "private"."check_link_button"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_link_button"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_link_button"(jsonb, text) TO "postgres";

-- private/functions/check_location.sql
CREATE OR REPLACE FUNCTION private.check_location (
  value jsonb,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  prefix text := case when field = '' then '' else field || '.' end;
begin
  return private.check_kind(value, 'object', field)
    and private.check_number(value -> 'latitude', -90, 90, prefix || 'latitude')
    and private.check_number(value -> 'longitude', -180, 180, prefix || 'longitude')
    and private.check_optional_text(value -> 'name', 1000, prefix || 'name')
    and private.check_optional_text(value -> 'address', 1000, prefix || 'address');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_location"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_location"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_location"(jsonb, text) IS 'A place; field is empty when it is the whole content.';

REVOKE ALL ON FUNCTION "private"."check_location"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_location"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_location"(jsonb, text) TO "postgres";

-- private/functions/check_media.sql
CREATE OR REPLACE FUNCTION private.check_media (
  value        jsonb,
  kind         text,
  workspace_id uuid,
  field        text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  prefix text := case when field = '' then '' else field || '.' end;
  given integer := num_nonnulls(value ->> 'path', value ->> 'link', value ->> 'id');
begin
  if jsonb_typeof(value) is distinct from 'object' then
    return private.check_kind(value, 'object', field);
  elsif given <> 1 then
    return private.refuse_content(case given when 0 then 'WA011' else 'WA016' end,
      prefix || case when value ->> 'path' is null and given > 0 then 'link' else 'path' end, 'exactly one of path, link and id');
  elsif value ->> 'filename' is not null then
    if kind <> 'document' then
      return private.refuse_content('WA014', prefix || 'filename', 'only documents have a filename');
    end if;
    checked := private.check_text(value -> 'filename', 240, prefix || 'filename');
  end if;
  if value ->> 'link' is not null then
    return private.check_url(value -> 'link', prefix || 'link');
  elsif value ->> 'id' is not null then
    return private.check_digits(value -> 'id', 1, 32, prefix || 'id');
  end if;
  -- No segment may be empty, `.` or `..`: a client on the way would fold it, and it would lead elsewhere.
  if private.check_text(value -> 'path', 1024, prefix || 'path')
    and starts_with(value ->> 'path', workspace_id || '/outgoing/') and (value ->> 'path') !~ '(^|/)\.{0,2}(/|$)' then
    return private.check_file(value ->> 'path', kind, coalesce(value -> 'voice' = 'true', false), prefix || 'path');
  end if;
  return private.refuse_content('WA014', prefix || 'path', format('an object of the bucket under %s/outgoing/', workspace_id));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) IS 'A file by path in our bucket, by link or by the provider''s id; field is empty when it is the whole content.';

REVOKE ALL ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_media"(jsonb, text, uuid, text) TO "postgres";

-- private/functions/check_note.sql
CREATE OR REPLACE FUNCTION private.check_note()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  refused boolean;
begin
  if coalesce(btrim(new.body), '') = '' then
    refused := private.refuse_content('WA011', 'body', 'from 1 to 10000 characters');
  elsif char_length(new.body) > 10000 then
    refused := private.refuse_content('WA013', 'body', 'at most 10000 characters');
  end if;
  return new;
end
$function$;

COMMENT ON FUNCTION "private"."check_note"() IS 'Raises WA011 or WA013 for a note as a member may not write it.';

REVOKE ALL ON FUNCTION "private"."check_note"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_note"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_note"() TO "postgres";

-- private/functions/check_number.sql
CREATE OR REPLACE FUNCTION private.check_number (
  value   jsonb,
  lowest  numeric,
  highest numeric,
  field   text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if jsonb_typeof(value) = 'number' or (value #>> '{}') ~ '^[+-]?[0-9]{1,9}(\.[0-9]{0,30})?$' then
    if (value #>> '{}')::numeric between lowest and highest then
      return true;
    end if;
    return private.refuse_content('WA014', field, format('a number from %s to %s', lowest, highest));
  end if;
  return private.check_kind(value, 'number', field);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) IS 'A required number in a range.';

REVOKE ALL ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_number"(jsonb, numeric, numeric, text) TO "postgres";

-- private/functions/check_optional_text.sql
CREATE OR REPLACE FUNCTION private.check_optional_text (
  value        jsonb,
  most         integer,
  field        text,
  may_be_empty boolean DEFAULT false
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if value is null or value = 'null' then
    return true;
  elsif may_be_empty and jsonb_typeof(value) = 'string' and char_length(value #>> '{}') <= most then
    return true;
  end if;
  return private.check_text(value, most, field);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) TO "service_role";

COMMENT ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) IS 'A text that may be missing.';

REVOKE ALL ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_optional_text"(jsonb, integer, text, boolean) TO "postgres";

-- private/functions/check_parameter.sql
CREATE OR REPLACE FUNCTION private.check_parameter (
  parameter    jsonb,
  is_prose     boolean,
  workspace_id uuid,
  field        text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean := private.check_kind(parameter, 'object', field)
    and private.check_text(parameter -> 'type', 100, field || '.type')
    and private.check_optional_text(parameter -> 'parameter_name', 200, field || '.parameter_name');
  kind text := lower(parameter ->> 'type');
  value jsonb := parameter -> kind;
  place text := field || '.' || kind;
begin
  case kind
    when 'text' then
      if private.check_text(value, 32768, place) and is_prose and (value #>> '{}') ~ '[\n\t]|     ' then
        return private.refuse_content('WA014', place, 'no line breaks, no tabs, no more than 4 spaces in a row');
      end if;
    when 'payload' then
      return private.check_text(value, 256, place);
    when 'coupon_code' then
      return private.check_text(value, 20, place);
    when 'image', 'video', 'document' then
      return private.check_media(value, kind, workspace_id, place);
    when 'location' then
      return private.check_location(value, place);
    when 'currency' then
      checked := private.check_kind(value, 'object', place)
        and private.check_text(value -> 'fallback_value', 100, place || '.fallback_value')
        and private.check_text(value -> 'code', 3, place || '.code');
      if not coalesce(jsonb_typeof(value -> 'amount_1000') in ('string', 'number')
        and (value ->> 'amount_1000') ~ '^-?[0-9]{1,30}$', false) then
        return private.check_number(value -> 'amount_1000', -1e30, 1e30, place || '.amount_1000')
          and private.refuse_content('WA014', place || '.amount_1000', 'an integer: the amount times 1000');
      end if;
    when 'date_time' then
      return private.check_kind(value, 'object', place)
        and private.check_text(value -> 'fallback_value', 100, place || '.fallback_value');
    when 'limited_time_offer' then
      return private.check_kind(value, 'object', place)
        and private.check_digits(value -> 'expiration_time_ms', 1, 20, place || '.expiration_time_ms');
    when 'product', 'action' then
      return private.check_kind(value, 'object', place);
    else
      return true;
  end case;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) IS 'One parameter of a component. Prose is what stands in header and body.';

REVOKE ALL ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_parameter"(jsonb, boolean, uuid, text) TO "postgres";

-- private/functions/check_part.sql
CREATE OR REPLACE FUNCTION private.check_part (
  part  jsonb,
  most  integer,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return private.check_kind(part, 'object', field) and private.check_text(part -> 'text', most, field || '.text');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_part"(jsonb, integer, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_part"(jsonb, integer, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_part"(jsonb, integer, text) IS 'A body or footer: an object with a text.';

REVOKE ALL ON FUNCTION "private"."check_part"(jsonb, integer, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_part"(jsonb, integer, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_part"(jsonb, integer, text) TO "postgres";

-- private/functions/check_reply_buttons.sql
CREATE OR REPLACE FUNCTION private.check_reply_buttons (
  buttons jsonb,
  kind    text,
  field   text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  button jsonb;
  place text;
  ids text[] := '{}';
  titles text[] := '{}';
begin
  for position in 0 .. private.check_array(buttons, 1, 3, field) - 1 loop
    button := buttons -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(button, 'object', place)
      and private.check_choice(button -> 'type', array[kind], place || '.type')
      and private.check_kind(button -> kind, 'object', place || '.' || kind);
    button := button -> kind;
    place := place || '.' || kind;
    checked := private.check_text(button -> 'id', 256, place || '.id')
      and private.check_text(button -> 'title', 20, place || '.title');
    if button ->> 'id' = any (ids) then
      return private.refuse_content('WA016', place || '.id', 'an id of its own for every button');
    elsif button ->> 'title' = any (titles) then
      return private.refuse_content('WA016', place || '.title', 'a title of its own for every button');
    end if;
    ids := ids || (button ->> 'id');
    titles := titles || (button ->> 'title');
  end loop;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) IS 'One to three buttons, each its own id and title.';

REVOKE ALL ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_reply_buttons"(jsonb, text, text) TO "postgres";

-- private/functions/check_rows.sql
CREATE OR REPLACE FUNCTION private.check_rows (
  rows  jsonb,
  ids   text[],
  field text
)
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  item jsonb;
  place text;
begin
  for position in 0 .. private.check_array(rows, 1, 10, field) - 1 loop
    item := rows -> position;
    place := field || '[' || position || ']';
    checked := private.check_kind(item, 'object', place)
      and private.check_text(item -> 'id', 200, place || '.id')
      and private.check_text(item -> 'title', 24, place || '.title')
      and private.check_optional_text(item -> 'description', 72, place || '.description');
    if item ->> 'id' = any (ids) then
      checked := private.refuse_content('WA016', place || '.id', 'an id of its own for every row');
    end if;
    ids := ids || (item ->> 'id');
  end loop;
  return ids;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_rows"(jsonb, text[], text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_rows"(jsonb, text[], text) TO "service_role";

COMMENT ON FUNCTION "private"."check_rows"(jsonb, text[], text) IS 'The rows of one section; answers all ids so far.';

REVOKE ALL ON FUNCTION "private"."check_rows"(jsonb, text[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_rows"(jsonb, text[], text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_rows"(jsonb, text[], text) TO "postgres";

-- private/functions/check_sections.sql
CREATE OR REPLACE FUNCTION private.check_sections (
  sections jsonb,
  kind     text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  section jsonb;
  place text;
  ids text[] := '{}';
  sections_given integer := private.check_array(sections, 1, 10, 'action.sections');
begin
  for position in 0 .. sections_given - 1 loop
    section := sections -> position;
    place := 'action.sections[' || position || ']';
    checked := private.check_kind(section, 'object', place);
    if sections_given > 1 then
      checked := private.check_text(section -> 'title', 24, place || '.title');
    else
      checked := private.check_optional_text(section -> 'title', 24, place || '.title');
    end if;
    if kind = 'list' then
      ids := private.check_rows(section -> 'rows', ids, place || '.rows');
    else
      for item in 0 .. private.check_array(section -> 'product_items', 1, 30, place || '.product_items') - 1 loop
        checked := private.check_kind(section -> 'product_items' -> item, 'object', place || '.product_items[' || item || ']')
          and private.check_text(section -> 'product_items' -> item -> 'product_retailer_id', 1000,
            place || '.product_items[' || item || '].product_retailer_id');
      end loop;
    end if;
  end loop;
  if cardinality(ids) > 10 then
    return private.refuse_content('WA015', 'action.sections', 'at most 10 rows in all sections together');
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_sections"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_sections"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_sections"(jsonb, text) IS 'One to ten sections; from two on each has a title.';

REVOKE ALL ON FUNCTION "private"."check_sections"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_sections"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_sections"(jsonb, text) TO "postgres";

-- private/functions/check_template_cards.sql
CREATE OR REPLACE FUNCTION private.check_template_cards (
  cards        jsonb,
  workspace_id uuid,
  field        text
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean;
  place text;
begin
  for position in 0 .. private.check_array(cards, 1, 10, field) - 1 loop
    place := field || '[' || position || ']';
    checked := private.check_kind(cards -> position, 'object', place)
      and private.check_digits(cards -> position -> 'card_index', 1, 1, place || '.card_index')
      and private.check_components(cards -> position -> 'components', workspace_id, place || '.components');
  end loop;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) IS 'One to ten cards of a carousel template.';

REVOKE ALL ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_template_cards"(jsonb, uuid, text) TO "postgres";

-- private/functions/check_template.sql
CREATE OR REPLACE FUNCTION private.check_template (
  content      jsonb,
  workspace_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  checked boolean := private.check_text(content -> 'name', 512, 'name')
    and private.check_kind(content -> 'language', 'object', 'language')
    and private.check_text(content #> '{language,code}', 16, 'language.code');
begin
  if content #>> '{language,policy}' is not null then
    checked := private.check_choice(content #> '{language,policy}', '{deterministic}', 'language.policy');
  end if;
  if content ->> 'components' is not null then
    checked := private.check_components(content -> 'components', workspace_id, 'components');
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_template"(jsonb, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_template"(jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."check_template"(jsonb, uuid) IS 'A template with its language, ready to be sent.';

REVOKE ALL ON FUNCTION "private"."check_template"(jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_template"(jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_template"(jsonb, uuid) TO "postgres";

-- private/functions/check_text.sql
CREATE OR REPLACE FUNCTION private.check_text (
  value jsonb,
  most  integer,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  written text := value #>> '{}';
begin
  if jsonb_typeof(value) is distinct from 'string' then
    return private.check_kind(value, 'string', field);
  elsif char_length(written) > most then
    return private.refuse_content('WA013', field, format('at most %s characters', most));
  elsif written !~ '\S' then
    return private.refuse_content('WA011', field, format('1 to %s characters, not only spaces', most));
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_text"(jsonb, integer, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_text"(jsonb, integer, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_text"(jsonb, integer, text) IS 'A required text that says something, of so many characters at most.';

REVOKE ALL ON FUNCTION "private"."check_text"(jsonb, integer, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_text"(jsonb, integer, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_text"(jsonb, integer, text) TO "postgres";

-- private/functions/check_url.sql
CREATE OR REPLACE FUNCTION private.check_url (
  value jsonb,
  field text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  if private.check_text(value, 2000, field) and (value #>> '{}') ~ '^https?://[^[:space:]]+$' then
    return true;
  end if;
  return private.refuse_content('WA014', field, 'a URL that begins with https:// or http://');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."check_url"(jsonb, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."check_url"(jsonb, text) TO "service_role";

COMMENT ON FUNCTION "private"."check_url"(jsonb, text) IS 'A required address on the web.';

REVOKE ALL ON FUNCTION "private"."check_url"(jsonb, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_url"(jsonb, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_url"(jsonb, text) TO "postgres";

-- private/functions/check_workspace.sql
CREATE OR REPLACE FUNCTION private.check_workspace()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  refused boolean;
begin
  if coalesce(btrim(new.name), '') = '' then
    refused := private.refuse_content('WA011', 'name', 'from 1 to 200 characters');
  elsif char_length(new.name) > 200 then
    refused := private.refuse_content('WA013', 'name', 'at most 200 characters');
  elsif coalesce(char_length(new.default_language), 0) not between 2 and 15 then
    refused := private.refuse_content('WA014', 'default_language', 'a language of WhatsApp''s templates, like he or en_US');
  elsif new.media_retention_days not between 1 and 36500 then
    refused := private.refuse_content('WA014', 'media_retention_days', 'from 1 to 36500, or null to keep files');
  elsif new.broadcasts is null then
    refused := private.refuse_content('WA011', 'broadcasts', 'true or false');
  end if;
  return new;
end
$function$;

COMMENT ON FUNCTION "private"."check_workspace"() IS 'Raises WA011, WA013 or WA014 for what a member may not make of a workspace.';

REVOKE ALL ON FUNCTION "private"."check_workspace"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."check_workspace"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."check_workspace"() TO "postgres";

-- private/functions/close_events.sql
CREATE OR REPLACE FUNCTION private.close_events (
  events  jsonb,
  unknown text[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  update public.webhook_events as event set
    state = case when told.problem is not null then 'failed' when told.missing is not null then 'unrouted' else 'processed' end,
    error = nullif(concat_ws(e'\n', told.problem, 'no connection for ' || array_to_string(told.missing, ', ')), ''),
    missing = told.missing,
    kinds = coalesce(told.kinds, '{}'),
    processed_at = now(),
    lease_expires_at = null
  from (
    select one.id, item.problem, item.kinds,
      case when unknown <> '{}' then (
        select array_agg(named.id order by named.id)
        from (
          select number ->> 'phone_number_id' as id from jsonb_array_elements(item.numbers) as number
          union select jsonb_array_elements_text(item.wabas)
        ) as named
        where named.id = any (unknown)) end as missing
    from jsonb_to_recordset(events) as item (id bigint, ids bigint[], numbers jsonb, wabas jsonb, kinds text[], problem text)
    cross join lateral unnest(coalesce(item.ids, array[item.id])) as one (id)
    -- One by one in this order, by the settings above: a sweep may be closing the same events.
    order by one.id offset 0
  ) as told
  where event.id = told.id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."close_events"(jsonb, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."close_events"(jsonb, text[]) IS 'Writes into the journal what became of its events, and which of their numbers and WABAs nobody has connected.';

REVOKE ALL ON FUNCTION "private"."close_events"(jsonb, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."close_events"(jsonb, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."close_events"(jsonb, text[]) TO "postgres";

-- private/functions/compare_names.sql
CREATE OR REPLACE FUNCTION private.compare_names (
  live    uuid,
  rebuilt uuid
)
  RETURNS SETOF jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
  with pair as (
    select distinct ours.contact_id as rebuilt_id, theirs.contact_id as live_id
    from public.messages as told
    join public.messages as message on message.connection_id = live and message.wamid = told.wamid
    join public.conversations as ours on ours.id = told.conversation_id
    join public.conversations as theirs on theirs.id = message.conversation_id
    where told.connection_id = rebuilt
  ), named as materialized (
    select theirs.*, ours.profile_name as told, ours.profile_name_at as told_at
    from pair
    join public.contacts as ours on ours.id = pair.rebuilt_id
    join public.contacts as theirs on theirs.id = pair.live_id
    -- A thread may be linked by hand to somebody who is called something else.
    where (theirs.phone_key = ours.phone_key or theirs.bsuid = ours.bsuid) and theirs.profile_name is distinct from ours.profile_name
  )
  select found.*
  from named
  cross join lateral private.differences('contacts', named.id::text,
    jsonb_build_object('profile_name', named.profile_name), jsonb_build_object('profile_name', named.told)) as found
  where named.told is not null
    -- Another number, or a group, may have heard a later name.
    and not exists (
      select from public.conversations as thread
      join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      where thread.workspace_id = named.workspace_id
        and (thread.contact_id = named.id or thread.group_id is not null
          and named.id = private.writer_in_group(message.workspace_id, message.connection_id, message.wa_id, message.bsuid))
        and message.occurred_at >= named.told_at and message.profile_name = named.profile_name)
$function$;

GRANT EXECUTE ON FUNCTION "private"."compare_names"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."compare_names"(uuid, uuid) IS 'Contacts that bear another name than WhatsApp last told, and that no later message told either.';

REVOKE ALL ON FUNCTION "private"."compare_names"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."compare_names"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."compare_names"(uuid, uuid) TO "postgres";

-- private/functions/compare_rebuilt.sql
CREATE OR REPLACE FUNCTION private.compare_rebuilt (
  live     uuid,
  rebuilt  uuid,
  told     text[],
  reported text[]
)
  RETURNS SETOF jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select found.*
  from unnest(told) as named (wamid)
  left join public.messages as theirs on theirs.connection_id = live and theirs.wamid = named.wamid
  left join public.messages as ours on ours.connection_id = rebuilt and ours.wamid = named.wamid
  -- A file that is stored tells its type and its hash itself; `wabase media verify` asks it.
  cross join lateral (
    select case when theirs.media_status in ('stored', 'expired') then '{media_mime_type,media_sha256}'::text[] else '{}' end as columns
  ) as untold
  cross join lateral private.differences('messages', named.wamid,
    case when theirs.id is not null then private.told_of(theirs) - untold.columns end,
    case when ours.id is not null then private.told_of(ours) - untold.columns end) as found
  union all
  -- Messages of ours: what their reports made of them.
  select found.*
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid
  cross join (values ('{edited_at,revoked_at,original_content,media_id,media_filename,media_mime_type,media_sha256,
    wa_id,bsuid,profile_name}'::text[])) as unreported (columns)
  cross join lateral private.differences('messages', ours.wamid,
    private.told_of(theirs) - unreported.columns, private.told_of(ours) - unreported.columns) as found
  where ours.connection_id = rebuilt and ours.wamid = any (reported) and ours.wamid <> all (told)
  union all
  select found.*
  from (
    select wamid, status, participant, private.told_of(report) as told from public.message_statuses as report
    where connection_id = rebuilt
  ) as ours
  full join (
    select wamid, status, participant, private.told_of(report) as told from public.message_statuses as report
    where connection_id = live and wamid = any (compare_rebuilt.told || reported)
  ) as theirs using (wamid, status, participant)
  cross join lateral private.differences(
    'message_statuses', concat_ws(' ', wamid, status, nullif(participant, '')), theirs.told, ours.told) as found
  union all
  -- Threads are told apart by what is in them.
  select jsonb_build_object('table', 'conversations', 'key', min(theirs.wamid) filter (where theirs.direction = 'inbound'),
    'column', 'messages',
    'live', to_jsonb(array_agg(distinct theirs.conversation_id)), 'rebuilt', 'one thread')
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
  where ours.connection_id = rebuilt
  group by ours.conversation_id
  having count(distinct theirs.conversation_id) > 1
  union all
  -- A message in the thread of somebody else: the two threads have no identifier in common.
  select jsonb_build_object('table', 'conversations', 'key', min(theirs.wamid), 'column', 'messages',
    'live', theirs.conversation_id, 'rebuilt', 'the thread of somebody else')
  from public.messages as ours
  join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
  where ours.connection_id = rebuilt and ours.conversation_id is not null
  group by ours.conversation_id, theirs.conversation_id
  having not exists (
    select identifier from private.conversation_identifiers as known where known.conversation_id = ours.conversation_id
    intersect
    select identifier from private.conversation_identifiers as known where known.conversation_id = theirs.conversation_id)
  union all
  select found.*
  from (
    select theirs.conversation_id as live_id, (array_agg(distinct ours.conversation_id))[1] as rebuilt_id, count(*) as messages
    from public.messages as ours
    join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid and theirs.conversation_id is not null
    where ours.connection_id = rebuilt
    group by theirs.conversation_id
    having count(distinct ours.conversation_id) = 1
  ) as pair
  join public.conversations as theirs on theirs.id = pair.live_id
  join public.conversations as ours on ours.id = pair.rebuilt_id
  -- WhatsApp's clock has seconds. Of several last messages in one second the one that arrived last is shown, and the journal
  -- does not tell which that was.
  cross join lateral (
    select case when count(*) > 1 then '{last_message_preview,last_message_direction}'::text[] else '{}' end as unsure
    from public.messages
    where workspace_id = theirs.workspace_id and conversation_id = theirs.id and occurred_at = theirs.last_message_at
      and private.is_conversational(type)
  ) as last
  cross join lateral private.differences('conversations', theirs.id::text,
    private.told_of(theirs) - last.unsure, private.told_of(ours) - last.unsure) as found
  -- Of a thread that is older than the journal only a part could be rebuilt.
  where (select count(*) from public.messages where workspace_id = theirs.workspace_id and conversation_id = theirs.id and wamid is not null)
    = pair.messages
$function$;

GRANT EXECUTE ON FUNCTION "private"."compare_rebuilt"(uuid, uuid, text[], text[]) TO "service_role";

COMMENT ON FUNCTION "private"."compare_rebuilt"(uuid, uuid, text[], text[]) IS 'Every difference between a connection and what the journal made of its shadow.';

REVOKE ALL ON FUNCTION "private"."compare_rebuilt"(uuid, uuid, text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."compare_rebuilt"(uuid, uuid, text[], text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."compare_rebuilt"(uuid, uuid, text[], text[]) TO "postgres";

-- private/functions/compare_wishes.sql
CREATE OR REPLACE FUNCTION private.compare_wishes (
  live    uuid,
  rebuilt uuid
)
  RETURNS SETOF jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
  select found.*
  from public.whatsapp_connections as shadow
  join public.whatsapp_connections as number on number.id = live
  join public.contacts as ours on ours.workspace_id = shadow.workspace_id
    and num_nonnulls(ours.marketing_preference_at, ours.synced_name_at) > 0
  cross join lateral private.contacts_of(number.workspace_id, array_remove(array[ours.phone_key, ours.bsuid], null)) as theirs
  cross join lateral (
    select jsonb_build_object('marketing_opted_out_at', theirs.marketing_opted_out_at) as known,
      jsonb_build_object('marketing_opted_out_at', ours.marketing_opted_out_at) as said
    where ours.marketing_preference_at > coalesce(theirs.marketing_preference_at, '-infinity')
      -- Of two words in one second the one that asks for silence. A send that was refused for it came later than either.
      or ours.marketing_preference_at = theirs.marketing_preference_at and theirs.marketing_opted_out_at is null
    union all
    select jsonb_build_object('synced_name', theirs.synced_name), jsonb_build_object('synced_name', ours.synced_name)
    where ours.synced_name_at > coalesce(theirs.synced_name_at, '-infinity')
      or ours.synced_name_at = theirs.synced_name_at
  ) as told
  cross join lateral private.differences('contacts', theirs.id::text, told.known, told.said) as found
  where shadow.id = rebuilt
$function$;

GRANT EXECUTE ON FUNCTION "private"."compare_wishes"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."compare_wishes"(uuid, uuid) IS 'Contacts that have not heard what WhatsApp last told of them: whether they want marketing, and their name in the phone''s address book.';

REVOKE ALL ON FUNCTION "private"."compare_wishes"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."compare_wishes"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."compare_wishes"(uuid, uuid) TO "postgres";

-- private/functions/connection_credential.sql
CREATE OR REPLACE FUNCTION private.connection_credential (
  connection_id uuid
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
  select secret.decrypted_secret
  from private.connection_credentials as stored
  join vault.decrypted_secrets as secret on secret.id = stored.secret_id
  where stored.connection_id = connection_credential.connection_id
$function$;

GRANT EXECUTE ON FUNCTION "private"."connection_credential"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."connection_credential"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."connection_credential"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."connection_credential"(uuid) TO "postgres";

-- private/functions/connections_meant.sql
CREATE OR REPLACE FUNCTION private.connections_meant (
  fact private.inbound_fact
)
  RETURNS SETOF public.whatsapp_connections
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  -- A fact without a number speaks of a whole WABA, and only of the one whose token its webhook showed: what came in
  -- by a number's address touches that number's WABA and no other.
  select connection.*
  from public.whatsapp_connections as connection
  left join public.webhook_events as event on event.id = fact.event_id
  where case
    when fact.phone_number_id is not null then connection.phone_number_id = fact.phone_number_id
    else connection.waba_id = fact.waba_id
      and (fact.display_phone_number is null or connection.display_phone_number is null
        or private.phone_key(connection.display_phone_number) = private.phone_key(fact.display_phone_number))
      and (event.phone_number_id is null or exists (
        select from public.whatsapp_connections as own
        where (own.phone_number_id = event.phone_number_id or own.former_ids @> array[event.phone_number_id])
          and own.verified_at is not null and own.waba_id = fact.waba_id))
  end
    and connection.verified_at is not null
  order by connection.id
$function$;

GRANT EXECUTE ON FUNCTION "private"."connections_meant"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."connections_meant"(private.inbound_fact) IS 'The connections that a fact speaks of and may touch.';

REVOKE ALL ON FUNCTION "private"."connections_meant"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."connections_meant"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."connections_meant"(private.inbound_fact) TO "postgres";

-- private/functions/contact_meant.sql
CREATE OR REPLACE FUNCTION private.contact_meant (
  fact private.inbound_fact
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  e164 text := case when fact.wa_id ~ '^[1-9][0-9]{4,14}$' then '+' || fact.wa_id end;
  found uuid;
begin
  loop
    -- By its ids, or by the thread that one of them leads to: the contact may since bear others.
    select contact.id into found
    from private.contacts_of(fact.workspace_id, private.identifiers_of(fact.connection_id, fact.wa_id, fact.bsuid, fact.parent_bsuid, null)) as contact
    order by contact.phone is null, contact.created_at, contact.id limit 1;
    if found is null then
      select thread.contact_id into found
      from private.conversation_identifiers as known
      join public.conversations as thread on thread.id = known.conversation_id
      where known.connection_id = fact.connection_id and thread.contact_id is not null
        and known.identifier in (fact.wa_id, fact.bsuid, fact.parent_bsuid)
      limit 1;
    end if;
    if found is null and coalesce(e164, fact.bsuid) is not null then
      insert into public.contacts (workspace_id, phone, bsuid) values (fact.workspace_id, e164, fact.bsuid)
      on conflict do nothing
      returning id into found;
    end if;
    -- Somebody may have added the contact at this moment: it is there when one looks again.
    exit when found is not null or coalesce(e164, fact.bsuid) is null;
  end loop;
  return found;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."contact_meant"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."contact_meant"(private.inbound_fact) IS 'The contact that a fact speaks of, found or created.';

REVOKE ALL ON FUNCTION "private"."contact_meant"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."contact_meant"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."contact_meant"(private.inbound_fact) TO "postgres";

-- private/functions/contact_query.sql
CREATE OR REPLACE FUNCTION private.contact_query (
  workspace_id uuid,
  search       text
)
  RETURNS tsquery
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
  scope text := private.search_scope(workspace_id);
  asked tsquery := private.word_query(scope || 'n', search, 1);
  number text := private.searched_number(search);
begin
  if char_length(number) >= 2 then
    asked := coalesce(asked, '') || format('%1$sp%2$s:* | %1$sp%3$s:* | %1$sr%4$s:*',
      scope, number, private.phone_key(number), reverse(number))::tsquery;
  end if;
  return asked;
end
$function$;

COMMENT ON FUNCTION "private"."contact_query"(uuid, text) IS 'Asks for contacts by the beginnings of names, or by a phone number or its beginning or end.';

REVOKE ALL ON FUNCTION "private"."contact_query"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."contact_query"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."contact_query"(uuid, text) TO "postgres";

-- private/functions/contact_words.sql
CREATE OR REPLACE FUNCTION private.contact_words (
  workspace_id uuid,
  name         text,
  profile_name text,
  phone        text,
  tags         text[]
)
  RETURNS tsvector
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  scope text := left(workspace_id::text, 8);
  digits text[] := array[substr(phone, 2), private.phone_key(phone)];
begin
  return coalesce(private.words(scope || 'n', concat_ws(' ', name, profile_name)), '')
    -- A number from its beginning, from behind a country code of one to three digits, and from its end.
    || array_to_tsvector(array(
      select scope || 'p' || substr(number, place) from unnest(digits) as number, generate_series(1, 4) as place where number is not null
      union select scope || 'r' || reverse(number) from unnest(digits) as number where number is not null
      union select scope || 't' || md5(tag) from unnest(tags) as tag where tag is not null));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) IS 'What a contact is found by: n words of its names, p the number''s beginnings, r the number backwards, t tags.';

REVOKE ALL ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."contact_words"(uuid, text, text, text, text[]) TO "postgres";

-- private/functions/contacts_found.sql
CREATE OR REPLACE FUNCTION private.contacts_found (
  asked tsquery,
  most  integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_custom_plan'
  SET enable_seqscan TO 'off'
  AS $function$
declare
  found uuid[] := array(
    select contact.id from public.contacts as contact
    where private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ asked
    limit most + 1);
begin
  return case when coalesce(cardinality(found) <= most, true) then found end;
end
$function$;

COMMENT ON FUNCTION "private"."contacts_found"(tsquery, integer) IS 'The contacts found by their words, some perhaps of another workspace with the same scope. Null: more than `most`, which may be null.';

REVOKE ALL ON FUNCTION "private"."contacts_found"(tsquery, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."contacts_found"(tsquery, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."contacts_found"(tsquery, integer) TO "postgres";

-- private/functions/contacts_of.sql
CREATE OR REPLACE FUNCTION private.contacts_of (
  workspace_id uuid,
  identifiers  text[]
)
  RETURNS SETOF public.contacts
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- Two probes: one condition over both columns would read the workspace's contacts one by one.
  return query
  select * from public.contacts as contact
  where contact.workspace_id = contacts_of.workspace_id and contact.phone_key = any (identifiers)
  union
  select * from public.contacts as contact
  where contact.workspace_id = contacts_of.workspace_id and contact.bsuid = any (identifiers);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."contacts_of"(uuid, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."contacts_of"(uuid, text[]) IS 'The contacts that any of a person''s identifiers names: one, or several that are about to be one.';

REVOKE ALL ON FUNCTION "private"."contacts_of"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."contacts_of"(uuid, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."contacts_of"(uuid, text[]) TO "postgres";

-- private/functions/conversation_stats.sql
CREATE OR REPLACE FUNCTION private.conversation_stats (
  workspace_id uuid
)
  RETURNS TABLE (
    total         bigint,
    unread        bigint,
    archived      bigint,
    window_closed bigint
  )
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  next_quarter timestamptz := private.quarter_of(now()) + interval '15 minutes';
  open_windows bigint;
begin
  perform private.need_workspace(conversation_stats.workspace_id);
  select coalesce(sum(counts.windows), 0) into open_windows from private.window_counts as counts
  where counts.workspace_id = conversation_stats.workspace_id and counts.quarter >= next_quarter;
  select open_windows + coalesce(sum(soon.windows), 0) into open_windows
  from public.whatsapp_connections as connection
  cross join lateral (
    select count(*) as windows from private.inbox_places as place
    where place.connection_id = connection.id and place.state < 4
      and place.window_expires_at > now() and place.window_expires_at < next_quarter) as soon
  where connection.workspace_id = conversation_stats.workspace_id;
  return query
  select coalesce(sum(counts.total), 0), coalesce(sum(counts.unread), 0), coalesce(sum(counts.archived), 0),
    coalesce(sum(counts.total - counts.archived), 0) - open_windows
  from private.conversation_counts as counts where counts.workspace_id = conversation_stats.workspace_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."conversation_stats"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."conversation_stats"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."conversation_stats"(uuid) IS 'get_conversation_stats, for whoever belongs to the workspace.';

REVOKE ALL ON FUNCTION "private"."conversation_stats"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."conversation_stats"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."conversation_stats"(uuid) TO "postgres";

-- private/functions/copy_reports.sql
CREATE OR REPLACE FUNCTION private.copy_reports (
  live      uuid,
  rebuilt   uuid,
  concerned text[],
  since     timestamp with time zone
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  -- Reports older than the journal are in no webhook that is left: they are taken as they are.
  insert into public.message_statuses (workspace_id, connection_id, wamid, status, participant, occurred_at, callback_data, errors, error, details)
  select shadow.workspace_id, rebuilt, report.wamid, report.status, report.participant, report.occurred_at, report.callback_data,
    report.errors, report.error, report.details
  from public.whatsapp_connections as shadow
  join public.message_statuses as report on report.connection_id = live and report.wamid = any (concerned)
  where shadow.id = rebuilt and (since is null or least(report.received_at, report.occurred_at) < since)
  on conflict do nothing;

  select private.apply_statuses(array(
    select id from public.messages where connection_id = rebuilt and wamid = any (concerned) order by id));
$function$;

GRANT EXECUTE ON FUNCTION "private"."copy_reports"(uuid, uuid, text[], timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "private"."copy_reports"(uuid, uuid, text[], timestamp with time zone) IS 'Adds what the journal has forgotten to the reports that were rebuilt, and applies all of them.';

REVOKE ALL ON FUNCTION "private"."copy_reports"(uuid, uuid, text[], timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."copy_reports"(uuid, uuid, text[], timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."copy_reports"(uuid, uuid, text[], timestamp WITH time zone) TO "postgres";

-- private/functions/copy_sent.sql
CREATE OR REPLACE FUNCTION private.copy_sent (
  live     uuid,
  rebuilt  uuid,
  reported text[]
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  -- What we sent is in no webhook, only its reports are: the messages are taken as they are, bare of their reports. When it
  -- was sent we know ourselves, as long as no report says so.
  with placed as (
    select distinct on (theirs.conversation_id) theirs.conversation_id as live_thread, ours.conversation_id as thread
    from public.messages as ours
    join public.messages as theirs on theirs.connection_id = live and theirs.wamid = ours.wamid
    where ours.connection_id = rebuilt and theirs.conversation_id is not null
    order by theirs.conversation_id, ours.conversation_id
  )
  insert into public.messages (
    workspace_id, connection_id, conversation_id, wamid, direction, imported, type, content, reply_to_wamid, status, occurred_at,
    sent_at)
  select shadow.workspace_id, rebuilt, placed.thread, sent.wamid, 'outbound', sent.imported, sent.type, sent.content, sent.reply_to_wamid,
    case when sent.wamid is null then 'uncertain' when sent.imported then sent.status else 'sent' end, sent.occurred_at,
    sent.sent_at
  from public.whatsapp_connections as shadow
  join public.messages as sent on sent.connection_id = live and sent.direction = 'outbound'
    and (sent.wamid = any (reported) or sent.conversation_id in (select live_thread from placed))
  left join placed on placed.live_thread = sent.conversation_id
  where shadow.id = rebuilt
    and not exists (select from public.messages as told where told.connection_id = rebuilt and told.wamid = sent.wamid)
  order by sent.seq
$function$;

GRANT EXECUTE ON FUNCTION "private"."copy_sent"(uuid, uuid, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."copy_sent"(uuid, uuid, text[]) IS 'Puts the messages that we sent beside what was rebuilt of their threads.';

REVOKE ALL ON FUNCTION "private"."copy_sent"(uuid, uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."copy_sent"(uuid, uuid, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."copy_sent"(uuid, uuid, text[]) TO "postgres";

-- private/functions/correct_messages.sql
CREATE OR REPLACE FUNCTION private.correct_messages (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  poor uuid[];
  files uuid[];
begin
  -- Of what came twice, live or out of the phone's history, each telling speaks of its own; and what we sent ourselves, of
  -- which no webhook tells the content, bears no recipient.
  select array_agg(message.id), array_agg(message.id) filter (where message.media_id is null and m.media_id is not null)
  into poor, files
  from unnest(arrived) as m
  join public.webhook_events as event on event.id = m.event_id and event.replayed_at is not null
  join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
  where message.imported = m.imported and message.direction = m.direction and num_nonnulls(message.wa_id, message.bsuid) > 0
    and m.type <> 'media_placeholder'
    and ((message.type, coalesce(message.original_content, message.content), message.reply_to_wamid, message.occurred_at)
      is distinct from (m.type, m.content, m.reply_to_wamid, m.occurred_at)
      or message.media_id is null and m.media_id is not null);
  if poor is null then
    return;
  end if;
  perform from public.messages where id = any (poor) order by id for no key update;

  update public.messages as message set
    type = m.type,
    content = case when message.original_content is null then m.content else message.content end,
    original_content = case when message.original_content is not null then m.content end,
    reply_to_wamid = m.reply_to_wamid,
    occurred_at = m.occurred_at
  from unnest(arrived) as m
  where message.id = any (poor) and message.connection_id = m.connection_id and message.wamid = m.wamid
    and m.imported = message.imported and m.type <> 'media_placeholder';

  if files is not null then
    update public.messages as message set
      media_id = m.media_id, media_mime_type = m.media_mime_type, media_sha256 = m.media_sha256, media_filename = m.media_filename,
      media_status = private.arrived_media_status(m.type, m.media_id), media_error = null
    from unnest(arrived) as m
    where message.id = any (files) and message.connection_id = m.connection_id and message.wamid = m.wamid
      and m.imported = message.imported and m.media_id is not null;
    perform private.queue_media(files);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."correct_messages"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."correct_messages"(private.inbound_message[]) IS 'Messages of replayed events as they are read today: type, content, reply, time, and a file that was not seen before. Their ids, threads and what became of them stay.';

REVOKE ALL ON FUNCTION "private"."correct_messages"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."correct_messages"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."correct_messages"(private.inbound_message[]) TO "postgres";

-- private/functions/correct_statuses.sql
CREATE OR REPLACE FUNCTION private.correct_statuses (
  reports private.inbound_status[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- Of two that say the same one was kept: an event speaks only of what it has told itself.
  update public.message_statuses as known set
    occurred_at = report.occurred_at, errors = report.errors, error = report.error, details = report.details,
    callback_data = report.callback_data
  from unnest(reports) as report
  where known.connection_id = report.connection_id and known.wamid = report.wamid and known.status = report.status
    and known.participant = report.participant and known.event_id = report.event_id
    and (known.occurred_at, known.errors, known.error, known.details, known.callback_data)
      is distinct from (report.occurred_at, report.errors, report.error, report.details, report.callback_data);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."correct_statuses"(private.inbound_status[]) TO "service_role";

COMMENT ON FUNCTION "private"."correct_statuses"(private.inbound_status[]) IS 'Reports of replayed events as they are read today.';

REVOKE ALL ON FUNCTION "private"."correct_statuses"(private.inbound_status[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."correct_statuses"(private.inbound_status[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."correct_statuses"(private.inbound_status[]) TO "postgres";

-- private/functions/count_conversations.sql
CREATE OR REPLACE FUNCTION private.count_conversations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- By statement; the sign is the trigger's argument.
  perform private.add_counts(changed.workspace_id, tg_argv[0]::integer * count(*),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'archived'),
    tg_argv[0]::integer * count(*) filter (where changed.status = 'open' and changed.unread_count > 0))
  from changed_conversations as changed
  group by changed.workspace_id;
  insert into private.window_counts (workspace_id, quarter, windows)
  select changed.workspace_id, date_bin(interval '15 minutes', changed.window_expires_at, timestamptz 'epoch'), tg_argv[0]::integer * count(*)
  from changed_conversations as changed
  where changed.status = 'open' and changed.window_expires_at > now()
  group by 1, 2;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."count_conversations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."count_conversations"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."count_conversations"() TO "postgres";

-- private/functions/create_workspace.sql
CREATE OR REPLACE FUNCTION private.create_workspace (
  name             text,
  default_language text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  made uuid;
begin
  -- A token outlives its user by up to an hour.
  if not exists (select from auth.users where id = (select auth.uid())) then
    raise exception 'no such user' using errcode = 'WA004';
  end if;
  if char_length(btrim(name)) not between 1 and 200 or name is null then
    perform private.refuse_field('name', 'from 1 to 200 characters');
  elsif default_language !~ '^[A-Za-z]{2,3}(_[A-Za-z0-9]{2,8}){0,2}$' or char_length(default_language) > 15 or default_language is null then
    perform private.refuse_field('default_language', 'a language of WhatsApp''s templates, like he or en_US');
  end if;
  insert into public.workspaces (name, default_language)
  values (btrim(create_workspace.name), create_workspace.default_language) returning id into made;
  insert into public.workspace_members (workspace_id, user_id, role) values (made, (select auth.uid()), 'owner');
  return made;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."create_workspace"(text, text) TO "authenticated";

REVOKE ALL ON FUNCTION "private"."create_workspace"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."create_workspace"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."create_workspace"(text, text) TO "postgres";

-- private/functions/delete_workspace.sql
CREATE OR REPLACE FUNCTION private.delete_workspace (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
begin
  perform private.abandon_workspace(workspace_id);
  -- What is small is gone with the answer.
  perform private.sweep_workspace(workspace_id, 10000);
  -- The numbers last: whoever records a send has its queue's row, and wants the number after it. Nothing
  -- is sent or received then, the keys are forgotten, and the numbers may be connected elsewhere.
  delete from private.connection_credentials as stored using public.whatsapp_connections as connection
  where connection.workspace_id = workspace_id and stored.connection_id = connection.id;
  update public.whatsapp_connections as connection set
    status = 'disconnected', status_reason = 'deleted', waba_id = null, former_ids = '{}',
    phone_number_id = 'deleted ' || connection.id
  where connection.workspace_id = workspace_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."delete_workspace"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."delete_workspace"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."delete_workspace"(uuid) IS 'Ends a workspace and begins to delete its rows. WA004, WA034.';

REVOKE ALL ON FUNCTION "private"."delete_workspace"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."delete_workspace"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."delete_workspace"(uuid) TO "postgres";

-- private/functions/differences.sql
CREATE OR REPLACE FUNCTION private.differences (
  place   text,
  key     text,
  live    jsonb,
  rebuilt jsonb
)
  RETURNS SETOF jsonb
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
  select jsonb_build_object('table', place, 'key', differences.key, 'column', field.key, 'live', live -> field.key, 'rebuilt', rebuilt -> field.key)
  from jsonb_each(coalesce(rebuilt, live)) as field
  where live is not null and rebuilt is not null and live -> field.key is distinct from rebuilt -> field.key
  union all
  select jsonb_build_object('table', place, 'key', differences.key, 'column', null,
    'live', case when live is null then 'missing' else 'there' end, 'rebuilt', case when rebuilt is null then 'missing' else 'there' end)
  where live is null or rebuilt is null
$function$;

GRANT EXECUTE ON FUNCTION "private"."differences"(text, text, jsonb, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."differences"(text, text, jsonb, jsonb) IS 'Column by column, what two states of one row do not have in common.';

REVOKE ALL ON FUNCTION "private"."differences"(text, text, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."differences"(text, text, jsonb, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."differences"(text, text, jsonb, jsonb) TO "postgres";

-- private/functions/end_outbound.sql
CREATE OR REPLACE FUNCTION private.end_outbound()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- Outbox, then messages, each by id, before the foreign key touches them: the order that reports keep, too.
  perform from public.outbox where conversation_id = old.id order by message_id for update;
  perform from public.messages where workspace_id = old.workspace_id and conversation_id = old.id order by id for update;
  with ended as (
    delete from public.outbox where conversation_id = old.id
    returning message_id, lease_token is null and uncertain_since is null as unsent
  )
  update public.messages as message set
    status = case when ended.unsent then 'canceled' else 'failed' end,
    failed_at = case when ended.unsent then null else now() end,
    -- A report with this message's id still tells the truth about one that was on the wire.
    error = case when ended.unsent then message.error else jsonb_build_object('code', 'outcome_unknown',
      'title', 'The conversation was deleted while this was being sent', 'class', 'UNCERTAIN') end
  from ended
  where message.id = ended.message_id
    -- A workspace that goes takes its messages along.
    and exists (select from public.workspaces where id = old.workspace_id);
  delete from private.outbound_pairs where conversation_id = old.id;
  return old;
end
$function$;

REVOKE ALL ON FUNCTION "private"."end_outbound"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."end_outbound"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."end_outbound"() TO "postgres";

-- private/functions/end_removal.sql
CREATE OR REPLACE FUNCTION private.end_removal (
  removal private.media_removals
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  if removal.watch_until <= now() then
    delete from private.media_removals where prefix = removal.prefix;
  else
    update private.media_removals set lease_token = null, attempts = 0, error = null,
      available_at = least(removal.watch_until, now() + interval '1 hour')
    where prefix = removal.prefix;
  end if;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."end_removal"(private.media_removals) TO "service_role";

COMMENT ON FUNCTION "private"."end_removal"(private.media_removals) IS 'Nothing is left under a prefix: it leaves the queue, or is looked at again while something may still come.';

REVOKE ALL ON FUNCTION "private"."end_removal"(private.media_removals) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."end_removal"(private.media_removals) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."end_removal"(private.media_removals) TO "postgres";

-- private/functions/enforce_connection_limit.sql
CREATE OR REPLACE FUNCTION private.enforce_connection_limit()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  allowed integer;
begin
  -- The lock makes two inserts at once take turns, so the count below is the truth.
  select connection_limit into allowed from public.workspaces where id = new.workspace_id
  for no key update;
  if (select count(*) from public.whatsapp_connections where workspace_id = new.workspace_id) >= allowed then
    raise exception 'the workspace may connect % WhatsApp number(s)', allowed
      using errcode = 'WA002', hint = 'Raise workspaces.connection_limit or remove a connection.';
  end if;
  return new;
end
$function$;

REVOKE ALL ON FUNCTION "private"."enforce_connection_limit"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enforce_connection_limit"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."enforce_connection_limit"() TO "postgres";

-- private/functions/enqueue_messages.sql
CREATE OR REPLACE FUNCTION private.enqueue_messages (
  message_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  now_here timestamptz;
  threads uuid[] := array(
    select distinct message.conversation_id from unnest(message_ids) as one (id) join public.messages as message on message.id = one.id);
begin
  -- Numbered under the pair's lock: whoever has the higher number comes to light later. With messages.seq, which is
  -- drawn before the lock, a claim could see the second of two messages first and send both at once.
  perform from public.conversations where id = any (threads) order by id for no key update;
  perform private.lock_pairs(threads);
  now_here := clock_timestamp();
  with arrived as (
    select message.*, greatest(message.send_after, now_here) as line_at,
      row_number() over (partition by message.conversation_id order by greatest(message.send_after, now_here), message.seq) as place
    from unnest(message_ids) as one (id) join public.messages as message on message.id = one.id
  ), entered as (
    insert into public.outbox (message_id, workspace_id, connection_id, conversation_id, line_at, priority, ready_at)
    select arrived.id, arrived.workspace_id, arrived.connection_id, arrived.conversation_id, arrived.line_at,
      case when arrived.type <> 'template' then 0 when thread.window_expires_at > now_here then 1 else 2 end,
      -- The usual case at once: nobody else waits, and the first of these is the head.
      case when arrived.place = 1 and not exists (
          select from public.outbox as other where other.conversation_id = arrived.conversation_id)
        then greatest(arrived.line_at, private.pair_ready_at(pair)) end
    from arrived
    -- "offset 0": one look-up by key for each, also where statistics say that the table is empty. Joined, all of it would
    -- be read for each: an insert of 50,000 took minutes.
    cross join lateral (select * from public.conversations where id = arrived.conversation_id offset 0) as thread
    cross join lateral (
      select * from private.outbound_pairs where conversation_id = arrived.conversation_id offset 0) as pair
    order by arrived.seq
    returning conversation_id, ready_at
  )
  -- Where somebody waits already, a message for now may overtake one for tomorrow.
  select array_agg(conversation_id) into threads
  from (select conversation_id from entered group by 1 having count(ready_at) = 0) as others;
  if threads is not null then
    perform private.set_heads(threads);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."enqueue_messages"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."enqueue_messages"(uuid[]) IS 'Puts queued messages at the end of their conversations'' lines, in the order of their seq.';

REVOKE ALL ON FUNCTION "private"."enqueue_messages"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enqueue_messages"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."enqueue_messages"(uuid[]) TO "postgres";

-- private/functions/enqueue_outbound.sql
CREATE OR REPLACE FUNCTION private.enqueue_outbound()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  queued uuid[] := array(select id from queued_messages where direction = 'outbound' and status = 'queued');
begin
  if queued <> '{}' then
    perform private.enqueue_messages(queued);
  end if;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."enqueue_outbound"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enqueue_outbound"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."enqueue_outbound"() TO "postgres";

-- private/functions/ensure_connections.sql
CREATE OR REPLACE FUNCTION private.ensure_connections (
  events               jsonb,
  default_workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  unknown record;
begin
  -- Single-workspace mode: a number nobody has connected belongs to the one workspace there is.
  for unknown in
    select number.phone_number_id, min(number.waba_id) as waba_id, min(number.display_phone_number) as display, min(number.provider) as provider
    from jsonb_array_elements(events) as event
    cross join lateral jsonb_to_recordset(event -> 'numbers')
      as number (phone_number_id text, waba_id text, display_phone_number text, provider text)
    where not exists (
      select from public.whatsapp_connections
      where (phone_number_id = number.phone_number_id or former_ids @> array[number.phone_number_id]) and verified_at is not null)
    group by number.phone_number_id
    order by number.phone_number_id
  loop
    begin
      perform private.release_claims(unknown.phone_number_id, null, default_workspace_id);
      update public.whatsapp_connections as connection set verified_at = now()
      where connection.phone_number_id = unknown.phone_number_id and connection.workspace_id = default_workspace_id;
      if not found then
        insert into public.whatsapp_connections (workspace_id, provider, phone_number_id, waba_id, display_phone_number)
        values (default_workspace_id, unknown.provider, unknown.phone_number_id, unknown.waba_id, unknown.display)
        on conflict (phone_number_id) do nothing;
      end if;
    exception when sqlstate 'WA002' or sqlstate 'WA035' or foreign_key_violation then
      null; -- No room for another number, or no such workspace: its events stay unrouted.
    end;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ensure_connections"(jsonb, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."ensure_connections"(jsonb, uuid) IS 'Creates connections for unknown numbers in the default workspace.';

REVOKE ALL ON FUNCTION "private"."ensure_connections"(jsonb, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ensure_connections"(jsonb, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ensure_connections"(jsonb, uuid) TO "postgres";

-- private/functions/ensure_contacts.sql
CREATE OR REPLACE FUNCTION private.ensure_contacts (
  people private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  insert into public.contacts (workspace_id, phone)
  select distinct on (p.workspace_id, private.phone_key(p.wa_id)) p.workspace_id, '+' || p.wa_id
  from unnest(people) as p
  where p.wa_id ~ '^[1-9][0-9]{4,14}$' and case
    when p.group_id is not null then private.writer_in_group(p.workspace_id, p.connection_id, p.wa_id, p.bsuid) is null
    -- A thread that goes on under a new number has its contact already.
    else not exists (
      select from public.conversations as thread where thread.id = p.conversation_id and thread.contact_id is not null) end
  order by p.workspace_id, private.phone_key(p.wa_id), p.seen_at desc, p.wa_id
  on conflict (workspace_id, phone_key) do nothing;

  -- By user id only those whom no phone stands for.
  insert into public.contacts (workspace_id, bsuid)
  select distinct p.workspace_id, p.bsuid
  from unnest(people) as p
  where p.bsuid is not null and (p.wa_id is null or p.wa_id !~ '^[1-9][0-9]{4,14}$') and case
    when p.group_id is not null then private.writer_in_group(p.workspace_id, p.connection_id, p.wa_id, p.bsuid) is null
    else not exists (select from private.contacts_of(p.workspace_id, p.identifiers)) and not exists (
      select from public.conversations as thread where thread.id = p.conversation_id and thread.contact_id is not null) end
  order by p.workspace_id, p.bsuid
  on conflict (workspace_id, bsuid) do nothing;

  perform private.merge_contacts_of(people);

  update public.conversations as thread set contact_id = contact.id
  from private.identifiers_of_threads(people) as known
  cross join lateral private.contacts_of(known.workspace_id, known.identifiers) as contact
  where thread.id = known.conversation_id and thread.contact_id is null;

  perform private.follow_people(people);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ensure_contacts"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."ensure_contacts"(private.person[]) IS 'Finds or creates the contact behind each person and links it to the thread.';

REVOKE ALL ON FUNCTION "private"."ensure_contacts"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ensure_contacts"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ensure_contacts"(private.person[]) TO "postgres";

-- private/functions/ensure_conversations.sql
CREATE OR REPLACE FUNCTION private.ensure_conversations (
  people private.person[]
)
  RETURNS private.person[]
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  people := private.unite_people(people);

  -- Whoever inserts the identifier first names the conversation; the loser waits here for the winner's commit.
  insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
  select distinct on (p.connection_id, seen.identifier) p.connection_id, seen.identifier, p.conversation_id
  from unnest(people) as p cross join unnest(p.identifiers) as seen (identifier)
  order by p.connection_id, seen.identifier, p.conversation_id
  on conflict do nothing;
  people := private.with_conversations(people);

  insert into public.conversations (id, workspace_id, connection_id, phone_number_id, phone, bsuid, group_id)
  select distinct on (p.conversation_id)
    p.conversation_id, p.workspace_id, p.connection_id, p.phone_number_id,
    case when p.group_id is null then p.wa_id end,
    -- Known by a parent id only: it stands in for the user id, which it is to whoever sends there.
    case when p.group_id is null then coalesce(p.bsuid, case when p.wa_id is null then p.identifiers[1] end) end,
    p.group_id
  from unnest(people) as p
  where not exists (select from public.conversations where id = p.conversation_id)
  order by p.conversation_id, p.wa_id nulls last, p.seen_at desc
  on conflict do nothing;

  -- An identifier won under a fresh id by somebody who is known under another one: it names the known thread.
  update private.conversation_identifiers as stray set conversation_id = own.conversation_id
  from (
    select p.connection_id, p.conversation_id, seen.identifier
    from unnest(people) as p cross join unnest(p.identifiers) as seen (identifier)
  ) as own
  where stray.connection_id = own.connection_id and stray.identifier = own.identifier
    and stray.conversation_id <> own.conversation_id
    and not exists (select from public.conversations where id = stray.conversation_id);

  perform private.merge_threads_of(people);
  return private.with_conversations(people);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ensure_conversations"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."ensure_conversations"(private.person[]) IS 'Finds or creates the thread of each person by any identifier; returns the people with conversation_id filled.';

REVOKE ALL ON FUNCTION "private"."ensure_conversations"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ensure_conversations"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ensure_conversations"(private.person[]) TO "postgres";

-- private/functions/ensure_threads.sql
CREATE OR REPLACE FUNCTION private.ensure_threads (
  arrived private.inbound_message[]
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  threads uuid[];
  newcomers private.person[];
  held bigint;
begin
  loop
    threads := private.threads_at_home(arrived);
    if array_position(threads, null) is not null then
      newcomers := private.with_conversations(private.senders_of(arrived, threads));
      perform private.hold_threads(threads, newcomers);
      newcomers := private.ensure_conversations(newcomers);
      threads := private.threads_found(arrived, threads);
      -- And somebody at home may have been seen in this batch later than a newcomer who turns out to be the same person.
      perform private.note_sightings(private.seen_in(arrived, threads, newcomers));
      perform private.ensure_contacts(newcomers);
    end if;
    perform private.note_profiles(arrived, threads);
    -- Arrival numbers are given out under the conversation's lock, so mark_as_read draws a clean line.
    perform
    from (select distinct m.workspace_id, threads[m.ordinality] as id from unnest(arrived) with ordinality as m) as held
    join public.conversations as thread on thread.workspace_id = held.workspace_id and thread.id = held.id
    order by thread.id for no key update of thread;
    get diagnostics held = row_count;
    -- A thread that somebody deleted or merged a moment ago is looked for again.
    exit when array_position(threads, null) is null and held = (select count(distinct thread) from unnest(threads) as thread);
  end loop;
  return threads;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."ensure_threads"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."ensure_threads"(private.inbound_message[]) IS 'The thread of each message, in order: found or created, and locked until the transaction ends.';

REVOKE ALL ON FUNCTION "private"."ensure_threads"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ensure_threads"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ensure_threads"(private.inbound_message[]) TO "postgres";

-- private/functions/enter_workspace.sql
CREATE OR REPLACE FUNCTION private.enter_workspace (
  workspace_id uuid,
  roles        text[]
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  role text;
begin
  -- The lock first: what follows is decided by what holds then, and two who change members at once take turns.
  perform from public.workspaces as tenant
  where tenant.id = enter_workspace.workspace_id
    and (private.is_backend() or tenant.id in (select private.user_workspace_ids()))
  for no key update;
  if found and private.is_backend() then
    role := 'owner';
  elsif found then
    select member.role into role from public.workspace_members as member
    where member.workspace_id = enter_workspace.workspace_id and member.user_id = (select auth.uid());
  end if;
  if role is null then
    raise exception 'no such workspace' using errcode = 'WA004';
  elsif role <> all (roles) then
    perform private.refuse_role();
  end if;
  return role;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."enter_workspace"(uuid, text[]) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."enter_workspace"(uuid, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."enter_workspace"(uuid, text[]) IS 'Locks a workspace and answers the caller''s role in it, the backend''s being owner. WA004, WA034 when it is none of these.';

REVOKE ALL ON FUNCTION "private"."enter_workspace"(uuid, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."enter_workspace"(uuid, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."enter_workspace"(uuid, text[]) TO "postgres";

-- private/functions/error_of.sql
CREATE OR REPLACE FUNCTION private.error_of (
  errors jsonb
)
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
  select nullif(jsonb_strip_nulls(jsonb_build_object(
    'code', errors #> '{0,code}',
    'title', coalesce(errors #> '{0,title}', errors #> '{0,message}'),
    'details', coalesce(errors #> '{0,error_data,details}', errors #> '{0,message}'))), '{}')
$function$;

GRANT EXECUTE ON FUNCTION "private"."error_of"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."error_of"(jsonb) IS 'The first of WhatsApp''s errors in the shape of messages.error; null when there is none.';

REVOKE ALL ON FUNCTION "private"."error_of"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."error_of"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."error_of"(jsonb) TO "postgres";

-- private/functions/expected_rows.sql
CREATE OR REPLACE FUNCTION private.expected_rows (
  words_index text,
  counted     regclass,
  scope       text,
  words       text[],
  shortest    integer
)
  RETURNS double precision
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
  known text;
  shares real[];
  expected double precision;
begin
  -- As the table's statistics know, which name each word that stands in more than one row of some hundreds. The planner's
  -- own guess is of no use: of whatever a word begins with it believes that one row in fifty has it.
  select stats.most_common_elems::text, stats.most_common_elem_freqs into known, shares
  from pg_catalog.pg_stats as stats where stats.schemaname = 'public' and stats.tablename = words_index;
  -- A word that is none of them is rare, and so are all together: most searches end here, before a thousand words are taken apart.
  if known is null or exists (select from unnest(words) as word where strpos(known, scope || word) = 0) then
    return 0;
  end if;
  -- Words are taken to be independent; where they are not, more is found than was expected, and given up then.
  select exp(sum(ln(greatest(1e-12, (
    select sum(common.share) from unnest(known::text[], shares) as common (word, share)
    where common.word = scope || given.word
      or char_length(given.word) >= shortest and starts_with(common.word, scope || given.word)))))) into expected
  from unnest(words) as given (word);
  -- Of no words nothing is expected.
  return coalesce(expected * (select reltuples from pg_catalog.pg_class where oid = counted), 0);
end
$function$;

COMMENT ON FUNCTION "private"."expected_rows"(text, regclass, text, text[], integer) IS 'In how many rows words stand, as the statistics of their index know; from so many letters on as beginnings. 0: few, or nobody knows.';

REVOKE ALL ON FUNCTION "private"."expected_rows"(text, regclass, text, text[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."expected_rows"(text, regclass, text, text[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."expected_rows"(text, regclass, text, text[], integer) TO "postgres";

-- private/functions/expire_message_files.sql
CREATE OR REPLACE FUNCTION private.expire_message_files (
  workspace_id uuid,
  cutoff       timestamp with time zone,
  most         integer
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
#variable_conflict use_variable
declare
  old_ones public.messages[];
begin
  old_ones := array(
    select message from public.messages as message
    where message.workspace_id = workspace_id and message.media_path is not null and message.occurred_at < cutoff
    order by message.occurred_at limit most
    for update skip locked);
  update public.messages as message set media_path = null, media_status = 'expired',
    media_error = private.media_error('retention')
  from unnest(old_ones) as old_one where message.id = old_one.id;
  perform private.queue_removal(private.object_stem(media_path), old_one.workspace_id, 'expired')
  from unnest(old_ones) as old_one where starts_with(media_path, old_one.workspace_id || '/') order by media_path;
  return cardinality(old_ones);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."expire_message_files"(uuid, timestamp WITH time zone, integer) TO "service_role";

COMMENT ON FUNCTION "private"."expire_message_files"(uuid, timestamp with time zone, integer) IS 'Takes stored files of messages before the cutoff, the oldest first.';

REVOKE ALL ON FUNCTION "private"."expire_message_files"(uuid, timestamp WITH time zone, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."expire_message_files"(uuid, timestamp WITH time zone, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."expire_message_files"(uuid, timestamp WITH time zone, integer) TO "postgres";

-- private/functions/expire_outgoing_files.sql
CREATE OR REPLACE FUNCTION private.expire_outgoing_files (
  walk   private.retention_walks,
  cutoff timestamp with time zone,
  most   integer
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  names text[];
  waiting text[];
begin
  names := array(
    select object.name from storage.objects as object
    where object.bucket_id = 'whatsapp-media'
      and object.name collate "C" > greatest(walk.workspace_id || '/outgoing/', walk.reached) collate "C"
      and object.name collate "C" < walk.workspace_id || '/outgoing0'
    order by object.name collate "C" limit most);
  waiting := private.paths_waiting(array[walk.workspace_id]);
  perform private.queue_removal(object.name, walk.workspace_id, 'expired')
  from storage.objects as object
  where object.bucket_id = 'whatsapp-media' and object.name = any (names) and object.name <> all (waiting)
    and coalesce(object.updated_at, object.created_at) < cutoff;
  return case when cardinality(names) < most then '' else names[most] end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."expire_outgoing_files"(private.retention_walks, timestamp WITH time zone, integer) TO "service_role";

COMMENT ON FUNCTION "private"."expire_outgoing_files"(private.retention_walks, timestamp with time zone, integer) IS 'Queues the next outgoing files that nobody has written since the cutoff and no message still to be sent names; answers how far it came, nothing for the end.';

REVOKE ALL ON FUNCTION "private"."expire_outgoing_files"(private.retention_walks, timestamp WITH time zone, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."expire_outgoing_files"(private.retention_walks, timestamp WITH time zone, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."expire_outgoing_files"(private.retention_walks, timestamp WITH time zone, integer) TO "postgres";

-- private/functions/explain_outbound.sql
CREATE OR REPLACE FUNCTION private.explain_outbound (
  message_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  wanted public.messages := private.own_message(message_id);
  item public.outbox;
  ahead public.outbox;
  connection public.whatsapp_connections;
  pace private.outbound_numbers;
  pair private.outbound_pairs;
  answer jsonb;
  -- The clock's and not the transaction's, as claims have it.
  instant timestamptz := clock_timestamp();
begin
  select * into item from public.outbox as waiting where waiting.message_id = wanted.id;
  select * into connection from public.whatsapp_connections where id = wanted.connection_id;
  select * into pace from private.outbound_numbers where connection_id = wanted.connection_id;
  select * into pair from private.outbound_pairs where conversation_id = item.conversation_id;
  select * into ahead from public.outbox as other
  where other.conversation_id = item.conversation_id and other.message_id <> item.message_id
    and (other.lease_token is not null
      or (other.line_at, other.seq) < (item.line_at, item.seq)
        and (other.uncertain_since is null or other.uncertain_since > instant - interval '1 minute'))
  order by other.lease_token is null, other.line_at, other.seq limit 1;
  answer := case
    when item.message_id is null then jsonb_build_object('reason', 'ended', 'detail', jsonb_strip_nulls(jsonb_build_object('status', wanted.status, 'error', wanted.error)))
    when item.uncertain_since is not null then jsonb_build_object('reason', 'uncertain', 'until', item.uncertain_since + interval '15 minutes', 'detail', wanted.error)
    when item.lease_token is not null then jsonb_build_object('reason', 'sending', 'until', item.lease_expires_at)
    when connection.status <> 'active' then jsonb_build_object('reason', 'connection_' || connection.status,
      'detail', jsonb_strip_nulls(jsonb_build_object('status_reason', connection.status_reason, 'error', connection.last_error)))
    when item.line_at > instant and wanted.send_after > instant then jsonb_build_object('reason', 'scheduled', 'until', item.line_at)
    when ahead.message_id is not null then jsonb_build_object('reason', 'order',
      'until', case when ahead.uncertain_since is not null then ahead.uncertain_since + interval '1 minute' end,
      'detail', jsonb_build_object('behind', ahead.message_id, 'status', (select status from public.messages where id = ahead.message_id)))
    when item.available_at > instant then jsonb_build_object('reason', 'retry', 'until', item.available_at, 'detail', wanted.error)
    when private.pair_ready_at(pair) > instant then jsonb_build_object('reason', 'pair_rate', 'until', private.pair_ready_at(pair), 'detail', wanted.error)
    when item.ready_at > instant then jsonb_build_object('reason', 'order', 'until', item.ready_at)
    when pace.held_until > instant then jsonb_build_object('reason', 'number_rate', 'until', pace.held_until,
      'detail', jsonb_build_object('messages_per_second', private.number_rate(connection, pace)))
    else (
      select jsonb_build_object('reason', case when line.ahead > 0 then 'number_rate' else 'ready' end,
        'until', instant + line.ahead * interval '1 second' / private.number_rate(connection, pace),
        'detail', jsonb_build_object('ahead', line.ahead, 'messages_per_second', private.number_rate(connection, pace)))
      from (
        -- Counted up to a bound: a long campaign is not walked through for a question.
        select count(*) as ahead from (
          select from public.outbox as other
          where other.connection_id = item.connection_id and other.ready_at is not null and other.ready_at <= instant
            and (other.priority, other.ready_at, other.seq) < (item.priority, item.ready_at, item.seq)
          limit 10000) as bounded
      ) as line)
  end;
  return jsonb_build_object('reason', null, 'until', null, 'detail', null) || answer;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."explain_outbound"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."explain_outbound"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."explain_outbound"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."explain_outbound"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."explain_outbound"(uuid) TO "postgres";

-- private/functions/fill_conversation.sql
CREATE OR REPLACE FUNCTION private.fill_conversation()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- Locked as the foreign key does in a moment: of a number that is just being moved, the new id.
  select phone_number_id into new.phone_number_id from public.whatsapp_connections where id = new.connection_id for key share;
  return new;
end
$function$;

REVOKE ALL ON FUNCTION "private"."fill_conversation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."fill_conversation"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."fill_conversation"() TO "postgres";

-- private/functions/filter_id.sql
CREATE OR REPLACE FUNCTION private.filter_id (
  field   text,
  given   text,
  allowed text
)
  RETURNS uuid
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  if given !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    perform private.refuse_argument(field, allowed);
  end if;
  return given;
end
$function$;

COMMENT ON FUNCTION "private"."filter_id"(text, text, text) IS 'The value of a filter that is an id. WA024.';

REVOKE ALL ON FUNCTION "private"."filter_id"(text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."filter_id"(text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."filter_id"(text, text, text) TO "postgres";

-- private/functions/filter_tags.sql
CREATE OR REPLACE FUNCTION private.filter_tags (
  given jsonb
)
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  if jsonb_array_length(given) > 20 or exists (
    select from jsonb_array_elements(given) as tag where jsonb_typeof(tag) <> 'string' or char_length(tag #>> '{}') > 100)
  then
    perform private.refuse_argument('tags', 'at most 20 texts of at most 100 characters');
  end if;
  return (select array_agg(tag) from jsonb_array_elements_text(given) as tag);
end
$function$;

REVOKE ALL ON FUNCTION "private"."filter_tags"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."filter_tags"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."filter_tags"(jsonb) TO "postgres";

-- private/functions/find_conversations.sql
CREATE OR REPLACE FUNCTION private.find_conversations (
  f private.conversation_filter
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
  -- A table that nobody has looked at yet says -1.
  root double precision;
  few integer;
  many integer;
  contacts uuid[];
  threads uuid[];
  page uuid[] := '{}';
  walked uuid[];
begin
  if f.search is null and f.tags is null then
    return array(select place.conversation_id from private.walk_places(f, f.before_at, f.before_id, f.page_size) as place);
  end if;
  -- What is gathered costs by the row, what is walked past by how seldom one fits: as dear at some multiple of the root of all
  -- threads. To look at a contact costs twice what one costs that is gathered, at the id of a thread a fourth, and at all its
  -- messages forty times what a message costs that is gathered (bench/README.md).
  root := sqrt(greatest(0, (select reltuples from pg_catalog.pg_class where oid = 'public.conversations'::regclass)));
  few := greatest(1000, 10 * root);
  many := greatest(2000, 40 * root);
  if f.search is not null then
    f := private.gather(f, few, many);
  end if;
  if f.by_contact is null or f.by_message is null then
    -- Too many, or none asked for. Those with the tags may be few.
    contacts := case when f.tags is not null then private.contacts_found(f.tag_query, few) end;
    if contacts is not null then
      return private.page_of(f, contacts, '{}');
    elsif f.search is null then
      return coalesce(private.page_by_walking(f, false, null, 2 * few), private.page_of(f, private.contacts_found(f.tag_query, null), '{}'));
    end if;
  end if;
  if f.by_message is null then
    -- To look into a thread costs much.
    walked := private.page_by_walking(f, true, null, 2000);
    if walked is not null then
      return walked;
    end if;
    f := private.gather(f, null, null);
  end if;

  contacts := f.by_contact;
  threads := f.by_number || f.by_message;
  if contacts is null then
    walked := private.page_by_walking(f, false, null, 2 * few);
    contacts := case when walked is null then private.contacts_found(f.contact_query, null) end;
    page := page || walked;
  end if;
  -- What is found is known by now, and nothing is dearer than to hand thousands of ids on for each thread.
  f.search := null;
  f.by_contact := null;
  f.by_number := null;
  f.by_message := null;
  if cardinality(threads) > few / 2 then
    walked := private.page_by_walking(f, false, threads, many);
    threads := case when walked is null then threads end;
    page := page || walked;
  end if;
  -- Each is a page of its own kind, and the page is the newest of all.
  if page = '{}' then
    return private.page_of(f, contacts, threads);
  elsif cardinality(contacts) > 0 or cardinality(threads) > 0 then
    page := page || private.page_of(f, contacts, threads);
  end if;
  return private.newest(page, f.page_size);
end
$function$;

COMMENT ON FUNCTION "private"."find_conversations"(private.conversation_filter) IS 'The ids of a page, newest first.';

REVOKE ALL ON FUNCTION "private"."find_conversations"(private.conversation_filter) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."find_conversations"(private.conversation_filter) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."find_conversations"(private.conversation_filter) TO "postgres";

-- private/functions/fold_counts.sql
CREATE OR REPLACE FUNCTION private.fold_counts (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  with folded as (
    delete from private.conversation_counts as counts where counts.workspace_id = fold_counts.workspace_id returning *
  )
  insert into private.conversation_counts (workspace_id, total, archived, unread)
  select fold_counts.workspace_id, sum(folded.total), sum(folded.archived), sum(folded.unread) from folded
  having (sum(folded.total), sum(folded.archived), sum(folded.unread)) <> (0, 0, 0);
end
$function$;

COMMENT ON FUNCTION "private"."fold_counts"(uuid) IS 'One row in the place of a workspace''s many. For one session at a time.';

REVOKE ALL ON FUNCTION "private"."fold_counts"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."fold_counts"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."fold_counts"(uuid) TO "postgres";

-- private/functions/fold_windows.sql
CREATE OR REPLACE FUNCTION private.fold_windows (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  with folded as (
    delete from private.window_counts as counts where counts.workspace_id = fold_windows.workspace_id returning *
  )
  insert into private.window_counts (workspace_id, quarter, windows)
  select fold_windows.workspace_id, folded.quarter, sum(folded.windows) from folded
  where folded.quarter >= private.quarter_of(now()) group by folded.quarter having sum(folded.windows) <> 0;
end
$function$;

COMMENT ON FUNCTION "private"."fold_windows"(uuid) IS 'One row for a quarter in the place of many, and none for those that are over. For one session at a time.';

REVOKE ALL ON FUNCTION "private"."fold_windows"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."fold_windows"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."fold_windows"(uuid) TO "postgres";

-- private/functions/folded.sql
CREATE OR REPLACE FUNCTION private.folded (
  written text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  -- Plain ASCII has none of what is left out or taken for another letter, and costs a fifth.
  if octet_length(written) = char_length(written) then
    return lower(written collate "C");
  end if;
  -- Small letters, whoever makes them: the parser of words lets the operating system do it, lower() perhaps ICU, and of these
  -- three letters they think differently.
  return translate(lower(replace(private.seen(written), 'İ', 'i')), 'ςı', 'σi');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."folded"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."folded"(text) TO "service_role";

COMMENT ON FUNCTION "private"."folded"(text) IS 'A text in which each of its words stands, folded in the same way, as a part.';

REVOKE ALL ON FUNCTION "private"."folded"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."folded"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."folded"(text) TO "postgres";

-- private/functions/follow_people.sql
CREATE OR REPLACE FUNCTION private.follow_people (
  people private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- Whoever goes on under another number takes the contact along, unless that number is somebody else's here.
  update public.contacts as contact set phone = '+' || thread.phone
  from unnest(people) as p
  join public.conversations as thread on thread.id = p.conversation_id
  where contact.id = thread.contact_id and thread.phone ~ '^[1-9][0-9]{4,14}$' and contact.phone is distinct from '+' || thread.phone
    and (contact.phone_key is null or exists (
      select from private.conversation_identifiers as own
      where own.connection_id = thread.connection_id and own.identifier = contact.phone_key and own.conversation_id = thread.id))
    and not exists (
      select from public.contacts as other
      where other.workspace_id = contact.workspace_id and other.phone_key = private.phone_key(thread.phone) and other.id <> contact.id);

  update public.contacts as contact set bsuid = thread.bsuid
  from unnest(people) as p
  join public.conversations as thread on thread.id = p.conversation_id
  where contact.id = thread.contact_id and thread.bsuid is not null and contact.bsuid is distinct from thread.bsuid
    and not exists (
      select from public.contacts as other
      where other.workspace_id = contact.workspace_id and other.bsuid = thread.bsuid);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."follow_people"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."follow_people"(private.person[]) IS 'A contact bears the number and user id its person was last seen under.';

REVOKE ALL ON FUNCTION "private"."follow_people"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."follow_people"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."follow_people"(private.person[]) TO "postgres";

-- private/functions/follow_up.sql
CREATE OR REPLACE FUNCTION private.follow_up()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  threads uuid[] := array(
    select distinct conversation_id from gone_items
    where conversation_id is not null and num_nonnulls(ready_at, lease_token, uncertain_since) > 0);
begin
  if threads <> '{}' then
    perform private.set_heads(threads);
  end if;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."follow_up"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."follow_up"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."follow_up"() TO "postgres";

-- private/functions/forget_credential.sql
CREATE OR REPLACE FUNCTION private.forget_credential()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  delete from vault.secrets where id = old.secret_id;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."forget_credential"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."forget_credential"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."forget_credential"() TO "postgres";

-- private/functions/forget_uploaded_media.sql
CREATE OR REPLACE FUNCTION private.forget_uploaded_media()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  delete from private.uploaded_media as known where known.uploaded_at <= now() - interval '29 days';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."forget_uploaded_media"() TO "service_role";

COMMENT ON FUNCTION "private"."forget_uploaded_media"() IS 'Removes what WhatsApp is about to forget.';

REVOKE ALL ON FUNCTION "private"."forget_uploaded_media"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."forget_uploaded_media"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."forget_uploaded_media"() TO "postgres";

-- private/functions/forget_windows.sql
CREATE OR REPLACE FUNCTION private.forget_windows()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  delete from private.window_counts as counts where counts.workspace_id = old.id;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."forget_windows"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."forget_windows"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."forget_windows"() TO "postgres";

-- private/functions/forwarded.sql
CREATE OR REPLACE FUNCTION private.forwarded (
  items jsonb,
  moved jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return (
    select coalesce(jsonb_agg(case when moved ? (item ->> 'phone_number_id')
      then item || jsonb_build_object('phone_number_id', moved -> (item ->> 'phone_number_id')) else item end order by place), '[]')
    from jsonb_array_elements(items) with ordinality as told (item, place));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."forwarded"(jsonb, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."forwarded"(jsonb, jsonb) IS 'Messages, reports or facts under the ids that their numbers have now.';

REVOKE ALL ON FUNCTION "private"."forwarded"(jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."forwarded"(jsonb, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."forwarded"(jsonb, jsonb) TO "postgres";

-- private/functions/gather.sql
CREATE OR REPLACE FUNCTION private.gather (
  f             private.conversation_filter,
  most_contacts integer,
  most_messages integer
)
  RETURNS private.conversation_filter
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  f.by_contact := case when most_contacts is null or not private.is_frequent_name(f, most_contacts)
    then private.contacts_found(f.contact_query, most_contacts) end;
  -- A number that no contact bears any more still names its thread.
  f.by_number := case when f.number is not null then array(
    select known.conversation_id from unnest(f.connections) as own (id)
    join private.conversation_identifiers as known on known.connection_id = own.id and known.identifier = f.number) end;
  f.by_message := private.threads_of_messages(f, most_messages);
  return f;
end
$function$;

COMMENT ON FUNCTION "private"."gather"(private.conversation_filter, integer, integer) IS 'All contacts and threads that a search finds, unless its contacts or its messages are more than so many.';

REVOKE ALL ON FUNCTION "private"."gather"(private.conversation_filter, integer, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."gather"(private.conversation_filter, integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."gather"(private.conversation_filter, integer, integer) TO "postgres";

-- private/functions/get_conversation_messages.sql
CREATE OR REPLACE FUNCTION private.get_conversation_messages (
  conversation_id uuid,
  "limit"         integer,
  before          uuid
)
  RETURNS SETOF public.conversation_message
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_bitmapscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
#variable_conflict use_column
declare
  thread public.conversations := private.visible_conversation(get_conversation_messages.conversation_id);
  page_size integer := private.page_size(get_conversation_messages.limit);
  before_at timestamptz := 'infinity';
  before_seq bigint := 0;
  place_of uuid;
begin
  if before is not null then
    -- By its id alone: with the thread beside it, the whole thread would be read to find it.
    select message.occurred_at, message.seq, message.conversation_id into before_at, before_seq, place_of
    from public.messages as message where message.id = before;
    if place_of is distinct from thread.id then
      raise exception 'no such message' using errcode = 'WA004';
    end if;
  end if;
  return query
  select page.id, page.conversation_id, page.direction, page.type, page.content, page.status, page.error, page.occurred_at,
    page.sent_at, page.delivered_at, page.read_at, page.failed_at, page.edited_at, page.revoked_at, page.sent_by,
    page.client_reference, page.media_status, page.media_path, page.media_mime_type, page.media_size, page.media_filename,
    page.media_width, page.media_height, page.media_duration, page.media_error, page.profile_name, page.wamid, page.reply_to_wamid,
    target.shown, coalesce(reactions.shown, '[]')
  from (
    select message.* from public.messages as message
    where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.type not in ('reaction', 'edit', 'revoke') and (message.occurred_at, message.seq) < (before_at, before_seq)
    order by message.occurred_at desc, message.seq desc limit page_size
  ) as page
  left join lateral (
    select jsonb_build_object('id', target.id, 'direction', target.direction, 'type', target.type,
      'preview', private.message_preview(target.type, target.content, target.revoked_at is not null)) as shown
    from public.messages as target
    where target.connection_id = page.connection_id and target.wamid = page.reply_to_wamid
  ) as target on true
  cross join lateral (
    -- Of each person the last: in a group by who it is, else by the side. One without an emoji takes the one before it away.
    select jsonb_agg(jsonb_build_object('emoji', last.content ->> 'emoji', 'direction', last.direction, 'wa_id', last.wa_id,
      'bsuid', last.bsuid, 'occurred_at', last.occurred_at) order by last.occurred_at, last.seq) as shown
    from (
      select distinct on (who.is) reaction.*
      from public.messages as reaction
      cross join lateral (
        select case when thread.group_id is not null and reaction.direction = 'inbound' then coalesce(reaction.bsuid, reaction.wa_id)
          else reaction.direction end as is) as who
      where reaction.connection_id = page.connection_id and reaction.reply_to_wamid = page.wamid and reaction.type = 'reaction'
        and reaction.status not in ('failed', 'canceled')
      order by who.is, reaction.occurred_at desc, reaction.seq desc
    ) as last
    where last.content ->> 'emoji' <> ''
  ) as reactions
  order by page.occurred_at desc, page.seq desc;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) IS 'get_conversation_messages, for whoever belongs to the workspace.';

REVOKE ALL ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_conversation_messages"(uuid, integer, uuid) TO "postgres";

-- private/functions/get_conversation.sql
CREATE OR REPLACE FUNCTION private.get_conversation (
  conversation_id uuid
)
  RETURNS SETOF public.conversation_details
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
  item public.conversation_list_item;
begin
  select * into item from private.conversation_items as listed where listed.id = thread.id;
  item.contact := item.contact || (
    select jsonb_build_object('attributes', contact.attributes, 'notes', coalesce((
      select jsonb_agg(jsonb_build_object('id', note.id, 'body', note.body, 'created_by', note.created_by, 'created_at', note.created_at)
        order by note.created_at desc, note.id)
      from public.contact_notes as note where note.workspace_id = contact.workspace_id and note.contact_id = contact.id), '[]'))
    from public.contacts as contact where contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id);
  return query
  select item.*, jsonb_build_object('id', connection.id, 'display_phone_number', connection.display_phone_number,
    'provider', connection.provider, 'status', connection.status)
  from public.whatsapp_connections as connection where connection.id = thread.connection_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."get_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."get_conversation"(uuid) IS 'get_conversation, for whoever belongs to its workspace.';

REVOKE ALL ON FUNCTION "private"."get_conversation"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_conversation"(uuid) TO "postgres";

-- private/functions/get_conversations.sql
CREATE OR REPLACE FUNCTION private.get_conversations (
  workspace_id uuid,
  filters      jsonb
)
  RETURNS SETOF public.conversation_list_item
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  ids uuid[];
begin
  perform private.need_workspace(get_conversations.workspace_id);
  ids := private.find_conversations(private.read_filters(get_conversations.workspace_id, coalesce(nullif(filters, 'null'), '{}')));
  return query
  select item.* from unnest(ids) with ordinality as page (id, place)
  join private.conversation_items as item on item.id = page.id
  order by page.place;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_conversations"(uuid, jsonb) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."get_conversations"(uuid, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."get_conversations"(uuid, jsonb) IS 'get_conversations, for whoever belongs to the workspace. Definer: the operators of a search are not leakproof, and under row level security their index would lie idle.';

REVOKE ALL ON FUNCTION "private"."get_conversations"(uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_conversations"(uuid, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_conversations"(uuid, jsonb) TO "postgres";

-- private/functions/get_media_health.sql
CREATE OR REPLACE FUNCTION private.get_media_health (
  max_rows    integer,
  max_numbers integer
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
begin
  return (
    with waiting as (
      (select connection_id, deadline from public.media_downloads where lease_token is null order by deadline limit max_rows)
      union all
      (select connection_id, deadline from public.media_downloads where lease_expires_at is not null
       order by connection_id, lease_expires_at limit max_rows)
    ), late as (
      select connection_id, count(*) as waiting, min(deadline) as deadline from waiting group by connection_id
    ), ranked as (
      select connection.phone_number_id, late.waiting,
        greatest(0, extract(epoch from now() - (late.deadline - connection.media_lifetime))) as oldest_seconds,
        row_number() over (order by late.waiting desc, late.deadline) as place
      from late join public.whatsapp_connections as connection on connection.id = late.connection_id
    ), named as (
      select case when place <= max_numbers then phone_number_id end as phone_number_id,
        sum(waiting) as waiting, max(oldest_seconds) as oldest_seconds
      from ranked group by 1
    )
    select coalesce(jsonb_agg(to_jsonb(named)), '[]') from named);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_media_health"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "private"."get_media_health"(integer, integer) IS 'Files that are still at the provider, by number: how many of the first `max_rows`, and how long ago the oldest was sent. The numbers beyond `max_numbers` are one, without a name.';

REVOKE ALL ON FUNCTION "private"."get_media_health"(integer, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_media_health"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_media_health"(integer, integer) TO "postgres";

-- private/functions/get_onboarding.sql
CREATE OR REPLACE FUNCTION private.get_onboarding (
  workspace_id         uuid,
  user_id              uuid,
  phone_number_id      text,
  waba_id              text,
  display_phone_number text
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
declare
  allowed integer;
  role text;
begin
  -- The lock first, as in enter_workspace: whoever changes members or numbers at once takes turns.
  select tenant.connection_limit into allowed from public.workspaces as tenant
  where tenant.id = workspace_id and tenant.deleted_at is null
  for no key update;
  select member.role into role from public.workspace_members as member
  where member.workspace_id = get_onboarding.workspace_id and member.user_id = get_onboarding.user_id;
  if allowed is null or role is null then
    raise exception 'no such workspace' using errcode = 'WA004';
  elsif role not in ('owner', 'admin') then
    perform private.refuse_role();
  end if;
  -- A phone is told from another by its digits. Who has it is not said, only that it is not to be had.
  if exists (
    select from public.whatsapp_connections as other
    where other.workspace_id <> get_onboarding.workspace_id and other.verified_at is not null
      and (other.phone_number_id = get_onboarding.phone_number_id
        or regexp_replace(other.display_phone_number, '\D', '', 'g') = regexp_replace(get_onboarding.display_phone_number, '\D', '', 'g')
          and exists (
            select from private.connection_credentials as stored where stored.connection_id = other.id and stored.from_backend))) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id';
  end if;
  if waba_id is not null then
    perform pg_advisory_xact_lock(hashtextextended('waba ' || waba_id, 0));
    if exists (
      select from public.whatsapp_connections as other
      where other.waba_id = get_onboarding.waba_id and other.workspace_id <> get_onboarding.workspace_id
        and other.verified_at is not null) then
      raise exception 'the account cannot be connected here' using errcode = 'WA035', detail = 'waba_id';
    end if;
  end if;
  -- One that is here already takes no further place; nor is one asked about before there is a number.
  if (phone_number_id is not null or display_phone_number is not null)
    and not exists (
      select from public.whatsapp_connections as own
      where own.workspace_id = get_onboarding.workspace_id
        and (own.phone_number_id = get_onboarding.phone_number_id
          or regexp_replace(own.display_phone_number, '\D', '', 'g') = regexp_replace(get_onboarding.display_phone_number, '\D', '', 'g')))
    and (select count(*) from public.whatsapp_connections as own where own.workspace_id = get_onboarding.workspace_id) >= allowed then
    raise exception 'the workspace may connect % WhatsApp number(s)', allowed
      using errcode = 'WA002', hint = 'Raise workspaces.connection_limit or remove a connection.';
  end if;
  return role;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_onboarding"(uuid, uuid, text, text, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."get_onboarding"(uuid, uuid, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_onboarding"(uuid, uuid, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_onboarding"(uuid, uuid, text, text, text) TO "postgres";

-- private/functions/get_outbox_health.sql
CREATE OR REPLACE FUNCTION private.get_outbox_health (
  max_rows    integer,
  max_numbers integer
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
declare
  -- The clock's: what was written in this transaction waits, too.
  instant timestamptz := clock_timestamp();
begin
  return (
    with recursive number as (
      -- One step of an index for each number, however many messages of it wait.
      (select connection_id as id from public.outbox where ready_at is not null order by connection_id limit 1)
      union all
      select (select next.connection_id from public.outbox as next
        where next.ready_at is not null and next.connection_id > number.id order by next.connection_id limit 1)
      from number where number.id is not null
    ), waiting as (
      -- Ids of conversations are random: where there are more rows than this, it is a fair sample.
      (select item.connection_id, item.line_at, 1 as counted
       from (select * from public.outbox where conversation_id is not null order by conversation_id limit max_rows) as item
       where item.uncertain_since is null)
      union all
      -- The longest that may go, of each number: the sample may have passed it by.
      select known.id, head.line_at, 0
      from (select id from number where id is not null limit 1000) as known
      cross join generate_series(0, 2) as level
      cross join lateral (
        select line_at from public.outbox where connection_id = known.id and priority = level and ready_at is not null
        order by ready_at, seq limit 1) as head
    ), late as (
      select connection_id, greatest(1, sum(counted)) as waiting, min(line_at) as since
      from waiting where line_at <= instant group by connection_id
    ), ranked as (
      select connection.phone_number_id, late.waiting, extract(epoch from instant - late.since) as oldest_seconds,
        row_number() over (order by late.waiting desc, late.since) as place
      from late join public.whatsapp_connections as connection on connection.id = late.connection_id
    ), named as (
      select case when place <= max_numbers then phone_number_id end as phone_number_id,
        sum(waiting) as waiting, max(oldest_seconds) as oldest_seconds
      from ranked group by 1
    )
    select coalesce(jsonb_agg(to_jsonb(named)), '[]') from named);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."get_outbox_health"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "private"."get_outbox_health"(integer, integer) IS 'Messages that could be gone by now, by number: how many of the first `max_rows`, and for how long. The numbers beyond `max_numbers` are one, without a name.';

REVOKE ALL ON FUNCTION "private"."get_outbox_health"(integer, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."get_outbox_health"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."get_outbox_health"(integer, integer) TO "postgres";

-- private/functions/has_newer_credential.sql
CREATE OR REPLACE FUNCTION private.has_newer_credential (
  connection_id uuid,
  since         timestamp with time zone
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  return exists (
    select from private.connection_credentials as stored
    where stored.connection_id = has_newer_credential.connection_id and stored.updated_at > since);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."has_newer_credential"(uuid, timestamp WITH time zone) TO "service_role";

REVOKE ALL ON FUNCTION "private"."has_newer_credential"(uuid, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."has_newer_credential"(uuid, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."has_newer_credential"(uuid, timestamp WITH time zone) TO "postgres";

-- private/functions/hasten_chores.sql
CREATE OR REPLACE FUNCTION private.hasten_chores()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- Health before templates, as everybody locks them.
  perform from private.connection_chores as chore where chore.connection_id = new.connection_id order by chore.kind for update;
  update private.connection_chores as chore set due_at = now(), attempts = 0 where chore.connection_id = new.connection_id;
  return null;
end
$function$;

COMMENT ON FUNCTION "private"."hasten_chores"() IS 'A new credential is tried at once: what could not be asked with the old one is asked now.';

REVOKE ALL ON FUNCTION "private"."hasten_chores"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hasten_chores"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."hasten_chores"() TO "postgres";

-- private/functions/held_files.sql
CREATE OR REPLACE FUNCTION private.held_files (
  results jsonb
)
  RETURNS private.media_result[]
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select told
    from jsonb_populate_recordset(null::private.media_result, results) as told
    join public.media_downloads as item on item.message_id = told.message_id and item.lease_token = told.lease_token
    order by item.message_id
    for update of item);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."held_files"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."held_files"(jsonb) IS 'The results whose lease is still held, with their places in the queue locked.';

REVOKE ALL ON FUNCTION "private"."held_files"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."held_files"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."held_files"(jsonb) TO "postgres";

-- private/functions/held_message.sql
CREATE OR REPLACE FUNCTION private.held_message (
  message_id uuid
)
  RETURNS public.messages
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  held public.messages := private.own_message(message_id);
begin
  -- The workspace and the thread first, as whoever queues does.
  perform from public.workspaces where id = held.workspace_id for key share;
  perform from public.conversations as thread where thread.id = held.conversation_id for no key update;
  return held;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."held_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."held_message"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."held_message"(uuid) IS 'The same, with its conversation locked.';

REVOKE ALL ON FUNCTION "private"."held_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."held_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."held_message"(uuid) TO "postgres";

-- private/functions/held_results.sql
CREATE OR REPLACE FUNCTION private.held_results (
  results jsonb
)
  RETURNS private.send_result[]
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select row(item.message_id, item.lease_token, item.connection_id, item.conversation_id, item.leased_at, told.outcome,
      told.wamid, told.retry_after, told.scope, told.reason, told.error)::private.send_result
    from jsonb_populate_recordset(null::private.send_result, results) as told
    join public.outbox as item on item.message_id = told.message_id and item.lease_token = told.lease_token
    order by item.message_id
    for update of item);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."held_results"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."held_results"(jsonb) IS 'The results whose lease is still held, with their places in the outbox locked.';

REVOKE ALL ON FUNCTION "private"."held_results"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."held_results"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."held_results"(jsonb) TO "postgres";

-- private/functions/hold_messages.sql
CREATE OR REPLACE FUNCTION private.hold_messages (
  message_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- Whoever records a send holds these locks too, so one of the two sees the other's row. Everybody takes the outbox
  -- first and the message second, each by id: no deadlock.
  perform from public.outbox where message_id = any (message_ids) order by message_id for update;
  perform from public.messages where id = any (message_ids) order by id for no key update;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."hold_messages"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."hold_messages"(uuid[]) IS 'Locks messages and their places in the outbox until the transaction ends.';

REVOKE ALL ON FUNCTION "private"."hold_messages"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_messages"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."hold_messages"(uuid[]) TO "postgres";

-- private/functions/hold_threads.sql
CREATE OR REPLACE FUNCTION private.hold_threads (
  threads uuid[],
  people  private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  known uuid[];
  divided boolean;
begin
  select array_agg(distinct named.id), bool_or(named.id <> named.first) into known, divided
  from (
    select own.conversation_id as id, first_value(own.conversation_id) over (partition by p.ordinality) as first
    from unnest(people) with ordinality as p
    cross join lateral unnest(p.identifiers) as seen (identifier)
    join private.conversation_identifiers as own on own.connection_id = p.connection_id and own.identifier = seen.identifier
  ) as named;
  -- Whoever queues messages holds the keys of their threads, and then waits for one after the other in this order. One
  -- that becomes part of another is deleted then, which would wait for them: they are waited for before.
  if divided then
    perform from public.conversations as thread where thread.id = any (threads || known) order by thread.id for update;
  else
    perform from public.conversations as thread where thread.id = any (threads || known) order by thread.id for no key update;
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."hold_threads"(uuid[], private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."hold_threads"(uuid[], private.person[]) IS 'Locks the threads of messages and of people in one order, before any of them changes.';

REVOKE ALL ON FUNCTION "private"."hold_threads"(uuid[], private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."hold_threads"(uuid[], private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."hold_threads"(uuid[], private.person[]) TO "postgres";

-- private/functions/identifiers_of_threads.sql
CREATE OR REPLACE FUNCTION private.identifiers_of_threads (
  people private.person[]
)
  RETURNS TABLE (
    workspace_id    uuid,
    conversation_id uuid,
    identifiers     text[]
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return query
  select p.workspace_id, p.conversation_id, array_agg(own.identifier)
  from (
    select distinct q.workspace_id, q.connection_id, q.conversation_id
    from unnest(people) as q where q.group_id is null and q.conversation_id is not null
  ) as p
  join private.conversation_identifiers as own
    on own.connection_id = p.connection_id and own.conversation_id = p.conversation_id
  group by p.workspace_id, p.conversation_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."identifiers_of_threads"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."identifiers_of_threads"(private.person[]) IS 'Everything the people of these threads are known by. Groups are nobody.';

REVOKE ALL ON FUNCTION "private"."identifiers_of_threads"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."identifiers_of_threads"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."identifiers_of_threads"(private.person[]) TO "postgres";

-- private/functions/identifiers_of.sql
CREATE OR REPLACE FUNCTION private.identifiers_of (
  connection_id uuid,
  wa_id         text,
  bsuid         text,
  parent_bsuid  text,
  group_id      text
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  -- The surest first. A group is its own thread, whoever writes in it. A number is known as it was written and by the
  -- key it shares with its variants.
  return (
    with recursive seen as (
      select identifier, place from unnest(case
        when group_id is not null then array['group:' || group_id]
        else array_remove(array[bsuid, identifiers_of.wa_id, private.phone_key(wa_id), parent_bsuid], null)
      end) with ordinality as given (identifier, place)
      union
      select linked.identifier, seen.place + 10
      from seen
      join private.identity_changes as change
        on change.connection_id = identifiers_of.connection_id and change.identifier = seen.identifier
      cross join lateral unnest(array[nullif(change.bsuid, ''), nullif(change.wa_id, ''), private.phone_key(nullif(change.wa_id, ''))])
        as linked (identifier)
      where linked.identifier is not null and linked.identifier <> seen.identifier and seen.place < 100
    )
    select array_agg(identifier order by first, identifier)
    from (select identifier, min(place) as first from seen group by identifier) as ranked);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."identifiers_of"(uuid, text, text, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."identifiers_of"(uuid, text, text, text, text) IS 'Everything a user is known by on a connection, through every change WhatsApp has told of.';

REVOKE ALL ON FUNCTION "private"."identifiers_of"(uuid, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."identifiers_of"(uuid, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."identifiers_of"(uuid, text, text, text, text) TO "postgres";

-- private/functions/inbox_state.sql
CREATE OR REPLACE FUNCTION private.inbox_state (
  assigned_to uuid,
  is_read     boolean,
  status      text
)
  RETURNS smallint
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return (assigned_to is not null)::integer + 2 * (not is_read)::integer + 4 * (status = 'archived')::integer;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."inbox_state"(uuid, boolean, text) TO "service_role";

COMMENT ON FUNCTION "private"."inbox_state"(uuid, boolean, text) IS 'The list of the inbox that a conversation is in.';

REVOKE ALL ON FUNCTION "private"."inbox_state"(uuid, boolean, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."inbox_state"(uuid, boolean, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."inbox_state"(uuid, boolean, text) TO "postgres";

-- private/functions/installation.sql
CREATE OR REPLACE FUNCTION private.installation()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  return jsonb_build_object(
    'at', extract(epoch from clock_timestamp()),
    'postgres', current_setting('server_version_num')::integer / 10000,
    'release', private.schema_release(),
    'migrations', private.applied_migrations(),
    'objects', (
      select jsonb_object_agg(facts.kind, facts.named)
      from (
        select fact.kind, jsonb_object_agg(fact.name, fact.value) as named
        from (select * from private.installed_relations() union all select * from private.installed_rules()) as fact
        group by fact.kind
      ) as facts));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."installation"() TO "service_role";

COMMENT ON FUNCTION "private"."installation"() IS 'What get_installation gives: the history and the catalogs are the owner''s to read.';

REVOKE ALL ON FUNCTION "private"."installation"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."installation"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."installation"() TO "postgres";

-- private/functions/installed_grants.sql
CREATE OR REPLACE FUNCTION private.installed_grants (
  acl aclitem[]
)
  RETURNS TABLE (
    role      text,
    privilege text
  )
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
  select
    case when granted.grantee = 0 then 'public' else granted.grantee::regrole::text end,
    lower(granted.privilege_type)
  from pg_catalog.aclexplode(acl) as granted
  where (granted.grantee = 0 or granted.grantee::regrole::text in ('anon', 'authenticated', 'service_role'))
    -- Only Postgres 17 and later have it.
    and granted.privilege_type <> 'MAINTAIN'
$function$;

COMMENT ON FUNCTION "private"."installed_grants"(aclitem[]) IS 'Who of those that come from outside has which privilege, out of an access list.';

REVOKE ALL ON FUNCTION "private"."installed_grants"(aclitem[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."installed_grants"(aclitem[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."installed_grants"(aclitem[]) TO "postgres";

-- private/functions/installed_relations.sql
CREATE OR REPLACE FUNCTION private.installed_relations()
  RETURNS TABLE (
    kind  text,
    name  text,
    value text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  with ours as (
    select class.oid, class.relname, class.relkind, class.relacl, class.relrowsecurity,
      format('%s.%s', space.nspname, class.relname) as name
    from pg_catalog.pg_class as class
    join pg_catalog.pg_namespace as space on space.oid = class.relnamespace
    where space.nspname in ('public', 'private') and class.relkind in ('r', 'p', 'v', 'm')
  )
  select 'table', ours.name, case when ours.relrowsecurity then 'row level security' else 'no row level security' end from ours
  union all
  select 'column', ours.name || '.' || attribute.attname,
    pg_catalog.format_type(attribute.atttypid, attribute.atttypmod) || case when attribute.attnotnull then ' not null' else '' end
  from ours join pg_catalog.pg_attribute as attribute on attribute.attrelid = ours.oid
  where attribute.attnum > 0 and not attribute.attisdropped
  union all
  select 'grant', format('to %s on %s', granted.role, ours.name), string_agg(granted.privilege, ', ' order by granted.privilege)
  from ours, private.installed_grants(ours.relacl) as granted
  group by ours.name, granted.role
  union all
  select 'grant', format('to %s on columns of %s', granted.role, ours.name),
    string_agg(format('%s(%s)', granted.privilege, attribute.attname), ', ' order by granted.privilege, attribute.attname)
  from ours
  join pg_catalog.pg_attribute as attribute on attribute.attrelid = ours.oid and not attribute.attisdropped,
    private.installed_grants(attribute.attacl) as granted
  group by ours.name, granted.role
  union all
  select 'trigger', format('%s on %s', trigger.tgname, ours.name), case trigger.tgenabled when 'D' then 'disabled' else 'enabled' end
  from ours join pg_catalog.pg_trigger as trigger on trigger.tgrelid = ours.oid
  where not trigger.tgisinternal
  union all
  select 'index', format('%s on %s', class.relname, ours.name), case when index.indisvalid then 'valid' else 'invalid' end
  from ours
  join pg_catalog.pg_index as index on index.indrelid = ours.oid
  join pg_catalog.pg_class as class on class.oid = index.indexrelid
  union all
  select 'constraint', format('%s on %s', held.conname, ours.name), case when held.convalidated then 'validated' else 'not validated' end
  from ours join pg_catalog.pg_constraint as held on held.conrelid = ours.oid
  -- As constraints of their own only Postgres 18 and later have these.
  where held.contype <> 'n'
$function$;

COMMENT ON FUNCTION "private"."installed_relations"() IS 'How tables and what belongs to them stand: columns, grants, triggers, indexes, constraints.';

REVOKE ALL ON FUNCTION "private"."installed_relations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."installed_relations"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."installed_relations"() TO "postgres";

-- private/functions/installed_rules.sql
CREATE OR REPLACE FUNCTION private.installed_rules()
  RETURNS TABLE (
    kind  text,
    name  text,
    value text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select 'policy', format('"%s" on %s.%s', policy.policyname, policy.schemaname, policy.tablename),
    format('%s, %s, to %s, %s', lower(policy.permissive), lower(policy.cmd), array_to_string(policy.roles, ' '),
      md5(concat_ws(' ', policy.qual, '/', policy.with_check)))
  from pg_catalog.pg_policies as policy
  where policy.schemaname in ('public', 'private', 'storage', 'realtime')
  union all
  select 'function', routine.oid::regprocedure::text,
    format('security %s, %s, %s', case when routine.prosecdef then 'definer' else 'invoker' end,
      coalesce(array_to_string(routine.proconfig, ' '), 'no settings'),
      -- The body of SQL-standard functions is not in prosrc; we have none of these.
      md5(routine.prosrc))
  from pg_catalog.pg_proc as routine
  where routine.pronamespace::regnamespace::text in ('public', 'private')
    and not exists (select from pg_catalog.pg_depend as depends
      where depends.classid = 'pg_proc'::regclass and depends.objid = routine.oid and depends.deptype = 'e')
  union all
  select 'grant', format('to %s on function %s', granted.role, routine.oid::regprocedure),
    string_agg(granted.privilege, ', ' order by granted.privilege)
  from pg_catalog.pg_proc as routine, private.installed_grants(
    coalesce(routine.proacl, pg_catalog.acldefault('f', routine.proowner))) as granted
  where routine.pronamespace::regnamespace::text in ('public', 'private')
  group by routine.oid, granted.role
  union all
  select 'grant', format('to %s on schema %s', granted.role, space.nspname), string_agg(granted.privilege, ', ' order by granted.privilege)
  from pg_catalog.pg_namespace as space, private.installed_grants(space.nspacl) as granted
  where space.nspname in ('public', 'private')
  group by space.nspname, granted.role
  union all
  select 'publication', format('%s.%s', published.schemaname, published.tablename), 'published'
  from pg_catalog.pg_publication_tables as published
  where published.pubname = 'supabase_realtime'
  union all
  select 'bucket', bucket.id, case when bucket.public then 'public' else 'private' end
  from storage.buckets as bucket
$function$;

COMMENT ON FUNCTION "private"."installed_rules"() IS 'How policies, functions with their grants, the publication and the buckets stand.';

REVOKE ALL ON FUNCTION "private"."installed_rules"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."installed_rules"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."installed_rules"() TO "postgres";

-- private/functions/invite_member.sql
CREATE OR REPLACE FUNCTION private.invite_member (
  workspace_id uuid,
  email        text,
  role         text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(invite_member.workspace_id, array['owner', 'admin']);
  address text := lower(btrim(invite_member.email));
  token text := replace(gen_random_uuid() || gen_random_uuid()::text, '-', '');
  made public.workspace_invitations;
begin
  if address is null or char_length(address) > 320 or address !~ '^[^\s@]+@[^\s@]+$' then
    perform private.refuse_field('email', 'an email address');
  end if;
  perform private.need_role(invite_member.role);
  if own_role <> 'owner' and (invite_member.role = 'owner' or exists (
    select from public.workspace_invitations as known
    where known.workspace_id = invite_member.workspace_id and known.email = address and known.role = 'owner')) then
    perform private.refuse_role();
  end if;
  if exists (
    select from public.workspace_members as member join auth.users as person on person.id = member.user_id
    where member.workspace_id = invite_member.workspace_id and lower(person.email) = address) then
    raise exception 'they are a member already' using errcode = 'WA033';
  end if;
  -- The newest word holds: the token of an earlier invitation ends.
  delete from public.workspace_invitations as known
  where known.workspace_id = invite_member.workspace_id and known.email = address;
  insert into public.workspace_invitations as invitation (workspace_id, email, role, invited_by)
  values (invite_member.workspace_id, address, invite_member.role, (select auth.uid()))
  returning * into made;
  insert into private.invitation_tokens (invitation_id, token_hash) values (made.id, sha256(convert_to(token, 'UTF8')));
  return jsonb_build_object('id', made.id, 'token', token, 'expires_at', made.expires_at);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."invite_member"(uuid, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."invite_member"(uuid, text, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."invite_member"(uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."invite_member"(uuid, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."invite_member"(uuid, text, text) TO "postgres";

-- private/functions/is_backend.sql
CREATE OR REPLACE FUNCTION private.is_backend()
  RETURNS boolean
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select coalesce(auth.jwt() ->> 'role', 'service_role') = 'service_role'
$function$;

COMMENT ON FUNCTION "private"."is_backend"() IS 'True for service_role and for a direct SQL session (the Data API always sets a role claim); false for users.';

REVOKE ALL ON FUNCTION "private"."is_backend"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_backend"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_backend"() TO "postgres";

-- private/functions/is_conversational.sql
CREATE OR REPLACE FUNCTION private.is_conversational (
  type text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return is_conversational.type not in ('reaction', 'edit', 'revoke', 'system');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."is_conversational"(text) TO "service_role";

COMMENT ON FUNCTION "private"."is_conversational"(text) IS 'Whether a message of this type counts as unread, opens the window and becomes the preview.';

REVOKE ALL ON FUNCTION "private"."is_conversational"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_conversational"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_conversational"(text) TO "postgres";

-- private/functions/is_found.sql
CREATE OR REPLACE FUNCTION private.is_found (
  conversation_id uuid,
  contact_id      uuid,
  f               private.conversation_filter
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
begin
  -- Looked up where it was gathered, looked into where it was too many. To take a text apart into words costs twenty times
  -- as much as to see that it lacks one.
  return is_found.contact_id = any (f.by_contact) or is_found.conversation_id = any (f.by_number)
    or is_found.conversation_id = any (f.by_message)
    or f.by_contact is null and exists (
      select from public.contacts as contact
      where contact.workspace_id = f.workspace_id and contact.id = is_found.contact_id
        and (f.number is not null or private.folded(concat_ws(' ', contact.name, contact.profile_name)) like all (f.parts))
        and private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ f.contact_query)
    or f.by_message is null and exists (
      select from public.messages as message
      where message.workspace_id = f.workspace_id and message.conversation_id = is_found.conversation_id
        and message.type = any (private.searched_types())
        and private.folded(message.content::text) like all (f.parts)
        and private.message_words(message.workspace_id, message.type, message.content) @@ f.message_query);
end
$function$;

COMMENT ON FUNCTION "private"."is_found"(uuid, uuid, private.conversation_filter) IS 'Whether a search finds this one thread of the workspace.';

REVOKE ALL ON FUNCTION "private"."is_found"(uuid, uuid, private.conversation_filter) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_found"(uuid, uuid, private.conversation_filter) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_found"(uuid, uuid, private.conversation_filter) TO "postgres";

-- private/functions/is_frequent_name.sql
CREATE OR REPLACE FUNCTION private.is_frequent_name (
  f    private.conversation_filter,
  most integer
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return private.expected_rows('contacts_words', 'public.contacts', private.search_scope(f.workspace_id) || 'n', f.words, 1) > most;
end
$function$;

COMMENT ON FUNCTION "private"."is_frequent_name"(private.conversation_filter, integer) IS 'Whether the words of a search stand in the names of more contacts than so many.';

REVOKE ALL ON FUNCTION "private"."is_frequent_name"(private.conversation_filter, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_frequent_name"(private.conversation_filter, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_frequent_name"(private.conversation_filter, integer) TO "postgres";

-- private/functions/is_frequent.sql
CREATE OR REPLACE FUNCTION private.is_frequent (
  f    private.conversation_filter,
  most integer
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return private.expected_rows('messages_words', 'public.messages', private.search_scope(f.workspace_id), f.words, 3) > most;
end
$function$;

COMMENT ON FUNCTION "private"."is_frequent"(private.conversation_filter, integer) IS 'Whether the words of a search stand in more messages than so many: reading a million entries to see that they are a million takes too long.';

REVOKE ALL ON FUNCTION "private"."is_frequent"(private.conversation_filter, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_frequent"(private.conversation_filter, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_frequent"(private.conversation_filter, integer) TO "postgres";

-- private/functions/is_needed.sql
CREATE OR REPLACE FUNCTION private.is_needed (
  removal private.media_removals,
  waiting text[]
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  parts text[] := string_to_array(removal.prefix, '/');
  living uuid := case when parts[3] ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then parts[3]::uuid end;
begin
  if right(removal.prefix, 1) = '/' then
    return exists (select from public.workspaces where id = removal.workspace_id);
  elsif parts[2] = 'outgoing' then
    -- What has been sent needs no file any more, but who deletes one message does not mean the others.
    return removal.prefix = any (waiting) or (removal.cause = 'deleted' and exists (
      select from public.messages as message
      where message.workspace_id = removal.workspace_id and message.direction = 'outbound'
        and message.content ->> 'path' = removal.prefix));
  end if;
  -- Fetched anew since, or about to be.
  return exists (select from public.media_downloads as item where item.message_id = living)
    or exists (
      select from public.messages as message
      where message.id = living and private.object_stem(message.media_path) = removal.prefix);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."is_needed"(private.media_removals, text[]) TO "service_role";

COMMENT ON FUNCTION "private"."is_needed"(private.media_removals, text[]) IS 'Whether somebody living has what is queued for removal; waiting are the paths of messages still to be sent.';

REVOKE ALL ON FUNCTION "private"."is_needed"(private.media_removals, text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_needed"(private.media_removals, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_needed"(private.media_removals, text[]) TO "postgres";

-- private/functions/is_tagged.sql
CREATE OR REPLACE FUNCTION private.is_tagged (
  contact_id uuid,
  f          private.conversation_filter
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
begin
  return exists (
    select from public.contacts as contact
    where contact.workspace_id = f.workspace_id and contact.id = is_tagged.contact_id and contact.tags @> f.tags);
end
$function$;

COMMENT ON FUNCTION "private"."is_tagged"(uuid, private.conversation_filter) IS 'Whether the contact of a thread has all tags that are asked for.';

REVOKE ALL ON FUNCTION "private"."is_tagged"(uuid, private.conversation_filter) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."is_tagged"(uuid, private.conversation_filter) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."is_tagged"(uuid, private.conversation_filter) TO "postgres";

-- private/functions/keep_an_owner.sql
CREATE OR REPLACE FUNCTION private.keep_an_owner()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  tenant uuid;
begin
  for tenant in select distinct workspace_id from former_members where role = 'owner' order by workspace_id loop
    -- The lock makes two owners who leave at once take turns. A workspace that goes itself needs nobody.
    perform from public.workspaces where id = tenant and deleted_at is null for no key update;
    if found and not exists (select from public.workspace_members where workspace_id = tenant and role = 'owner') then
      raise exception 'a workspace keeps an owner' using errcode = 'WA030',
        hint = 'Make another member owner first, or delete the workspace.';
    end if;
  end loop;
  -- What they had given out or were offered goes with their right to it.
  delete from public.workspace_invitations as invitation using former_members as former
  where invitation.workspace_id = former.workspace_id
    and (invitation.invited_by = former.user_id
      or invitation.email = (select lower(email) from auth.users where id = former.user_id))
    and not exists (
      select from public.workspace_members as member
      where member.workspace_id = former.workspace_id and member.user_id = former.user_id
        and (member.role = 'owner' or member.role = former.role));
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."keep_an_owner"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."keep_an_owner"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."keep_an_owner"() TO "postgres";

-- private/functions/link_contact.sql
CREATE OR REPLACE FUNCTION private.link_contact (
  conversation_id uuid,
  contact_id      uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  thread public.conversations := private.visible_conversation(conversation_id);
begin
  if thread.group_id is not null and link_contact.contact_id is not null then
    raise exception 'a group has no contact' using errcode = 'WA026', hint = 'Whoever writes in a group is a contact by their own number.';
  end if;
  update public.conversations as own set contact_id = link_contact.contact_id
  where own.id = thread.id and own.contact_id is distinct from link_contact.contact_id;
exception when foreign_key_violation then
  raise exception 'no such contact' using errcode = 'WA004';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."link_contact"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."link_contact"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."link_contact"(uuid, uuid) IS 'Says whose a conversation of the caller''s is. WA004, WA026.';

REVOKE ALL ON FUNCTION "private"."link_contact"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."link_contact"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."link_contact"(uuid, uuid) TO "postgres";

-- private/functions/lock_pairs.sql
CREATE OR REPLACE FUNCTION private.lock_pairs (
  conversation_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  locked integer := -1;
begin
  -- Once more where one was found and is gone before it could be locked: a sweep has forgotten it in between.
  while locked < (select count(distinct id) from unnest(conversation_ids) as id) loop
    insert into private.outbound_pairs (conversation_id)
    select distinct id from unnest(conversation_ids) as id
    where not exists (select from private.outbound_pairs where conversation_id = id)
    order by id
    on conflict do nothing;
    perform from private.outbound_pairs where conversation_id = any (conversation_ids) order by conversation_id for update;
    get diagnostics locked = row_count;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."lock_pairs"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."lock_pairs"(uuid[]) IS 'Makes whoever changes the heads of these conversations take turns. After the outbox and the messages, never before.';

REVOKE ALL ON FUNCTION "private"."lock_pairs"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."lock_pairs"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."lock_pairs"(uuid[]) TO "postgres";

-- private/functions/lose_media.sql
CREATE OR REPLACE FUNCTION private.lose_media (
  message public.messages
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  -- Whether the file or what the row says of it was wrong, nobody knows: the one to come is proven by WhatsApp's word.
  update public.messages as lost set media_status = 'expired', media_path = null, media_size = null, media_sha256 = null,
    media_error = private.media_error('lost')
  where lost.id = message.id;
  if exists (
    select from public.whatsapp_connections as connection
    where connection.id = message.connection_id
      and case when message.imported then message.created_at else message.occurred_at end + connection.media_lifetime > now()) then
    perform public.retry_media(message.id);
    return 'queued';
  end if;
  return 'expired';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."lose_media"(public.messages) TO "service_role";

COMMENT ON FUNCTION "private"."lose_media"(public.messages) IS 'A message whose file is not there or not what it should be: queued once more if the provider may still have it, else expired, `lost`.';

REVOKE ALL ON FUNCTION "private"."lose_media"(public.messages) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."lose_media"(public.messages) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."lose_media"(public.messages) TO "postgres";

-- private/functions/mark_as_read.sql
CREATE OR REPLACE FUNCTION private.mark_as_read (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  before public.conversations;
begin
  -- The lock first: a message that arrives at this moment is counted before or after, never lost.
  select * into before from public.conversations as thread
  where thread.id = mark_as_read.conversation_id
    and (private.is_backend() or thread.workspace_id in (select private.user_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such conversation' using errcode = 'WA004';
  end if;
  update public.conversations as thread set
    unread_count = 0,
    read_through = coalesce((
      select max(message.seq) from public.messages as message
      where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id), 0)
  where thread.id = mark_as_read.conversation_id;
  perform private.queue_receipt(before, 'read');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."mark_as_read"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."mark_as_read"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."mark_as_read"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."mark_as_read"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."mark_as_read"(uuid) TO "postgres";

-- private/functions/may_speak.sql
CREATE OR REPLACE FUNCTION private.may_speak (
  as_of   jsonb,
  field   text,
  said_at timestamp with time zone
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return coalesce((as_of ->> field)::timestamptz, '-infinity') <= said_at;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."may_speak"(jsonb, text, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "private"."may_speak"(jsonb, text, timestamp with time zone) IS 'Whether what was said then is no older than what is known of a template''s field.';

REVOKE ALL ON FUNCTION "private"."may_speak"(jsonb, text, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."may_speak"(jsonb, text, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."may_speak"(jsonb, text, timestamp WITH time zone) TO "postgres";

-- private/functions/media_candidates.sql
CREATE OR REPLACE FUNCTION private.media_candidates (
  max_files integer,
  instant   timestamp with time zone,
  shares    jsonb
)
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return query
  with waiting as (
    select number.workspace_id, number.claimed_at, number.served_at, head.message_id, head.deadline,
      row_number() over (partition by number.connection_id order by head.deadline, head.message_id) as place
    from private.media_numbers(instant, shares) as number
    cross join lateral (
      select item.message_id, item.deadline from public.media_downloads as item
      where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is null
        and item.deadline > instant
      order by item.available_at nulls first, item.deadline, item.message_id
      limit least(max_files, number.free)) as head
  ), turn as (
    select *, row_number() over (partition by workspace_id order by place, claimed_at nulls first, deadline) as turn from waiting
  )
  -- Workspace by workspace, who waited longest first, and number by number within; of a number what is soonest to vanish.
  select message_id from turn order by turn, served_at nulls first, deadline, message_id limit max_files;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."media_candidates"(integer, timestamp WITH time zone, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."media_candidates"(integer, timestamp with time zone, jsonb) IS 'Files that may be fetched now, tenants in turn, within what each number may fetch at once.';

REVOKE ALL ON FUNCTION "private"."media_candidates"(integer, timestamp WITH time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."media_candidates"(integer, timestamp WITH time zone, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."media_candidates"(integer, timestamp WITH time zone, jsonb) TO "postgres";

-- private/functions/media_due.sql
CREATE OR REPLACE FUNCTION private.media_due (
  max_files integer,
  instant   timestamp with time zone,
  shares    jsonb
)
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return query
  select due.message_id
  from private.media_numbers(instant, shares) as number
  cross join lateral (
    select item.message_id from public.media_downloads as item
    where item.connection_id = number.connection_id and item.lease_token is null and item.available_at <= instant
    -- More than this claim can take, so that what is soonest to vanish is soon among those that are looked at.
    order by item.available_at nulls first, item.deadline, item.message_id limit 10 * max_files) as due
  where number.free > 0;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."media_due"(integer, timestamp WITH time zone, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."media_due"(integer, timestamp with time zone, jsonb) IS 'Files whose wait after a failed attempt is over, a bounded number of each.';

REVOKE ALL ON FUNCTION "private"."media_due"(integer, timestamp WITH time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."media_due"(integer, timestamp WITH time zone, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."media_due"(integer, timestamp WITH time zone, jsonb) TO "postgres";

-- private/functions/media_error.sql
CREATE OR REPLACE FUNCTION private.media_error (
  code text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return jsonb_build_object('code', code, 'title', case code
    when 'no_media_id' then 'WhatsApp told of a file and did not say which'
    when 'expired' then 'The provider no longer has this file'
    when 'retention' then 'The workspace keeps files no longer than this'
    when 'lost' then 'The file was lost in Storage, and WhatsApp keeps it no longer' end);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."media_error"(text) TO "service_role";

COMMENT ON FUNCTION "private"."media_error"(text) IS 'The media_error of what the database itself finds out: no_media_id, expired, retention, lost.';

REVOKE ALL ON FUNCTION "private"."media_error"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."media_error"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."media_error"(text) TO "postgres";

-- private/functions/media_numbers.sql
CREATE OR REPLACE FUNCTION private.media_numbers (
  instant timestamp with time zone,
  shares  jsonb
)
  RETURNS TABLE (
    connection_id uuid,
    workspace_id  uuid,
    free          integer,
    claimed_at    timestamp with time zone,
    served_at     timestamp with time zone
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return query
  with recursive number as (
    -- One step of an index for each number, however many files wait for it.
    (select item.connection_id as id from public.media_downloads as item
     where item.lease_token is null order by item.connection_id limit 1)
    union all
    select (select next.connection_id from public.media_downloads as next
      where next.lease_token is null and next.connection_id > number.id order by next.connection_id limit 1)
    from number where number.id is not null
  )
  select active.id, active.workspace_id,
    greatest(0, least((shares ->> active.id::text)::integer, active.media_downloads_at_once - (
      select count(*)::integer from public.media_downloads as flying
      where flying.connection_id = active.id and flying.lease_token is not null and flying.lease_expires_at > instant))),
    (select turn.claimed_at from private.media_turns as turn
     where turn.workspace_id = active.workspace_id and turn.connection_id = active.id),
    (select max(turn.claimed_at) from private.media_turns as turn where turn.workspace_id = active.workspace_id)
  from number
  -- Whatever stops a number from sending, its customers go on writing, and the provider keeps their files for a while only.
  join public.whatsapp_connections as active on active.id = number.id
    and (active.status = 'active' or active.status = 'paused' and active.status_reason is distinct from 'credential')
    and (shares ->> active.id::text)::integer is distinct from 0;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."media_numbers"(timestamp WITH time zone, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."media_numbers"(timestamp with time zone, jsonb) IS 'Numbers that files wait for, unless they are disconnected, paused for their credential, or have all of a worker''s slots that they may have: how many more may be fetched at once, and when a file of the number and of its workspace was last claimed.';

REVOKE ALL ON FUNCTION "private"."media_numbers"(timestamp WITH time zone, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."media_numbers"(timestamp WITH time zone, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."media_numbers"(timestamp WITH time zone, jsonb) TO "postgres";

-- private/functions/merge_contacts_of.sql
CREATE OR REPLACE FUNCTION private.merge_contacts_of (
  people private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  pair record;
begin
  -- Somebody who had a contact for each id, and now both are known to be one person's.
  for pair in
    select distinct first_value(contact.id) over person as kept, contact.id as gone
    from private.identifiers_of_threads(people) as known
    cross join lateral private.contacts_of(known.workspace_id, known.identifiers) as contact
    window person as (partition by known.conversation_id order by (contact.phone is null), contact.created_at, contact.id)
  loop
    if pair.kept <> pair.gone and (select count(*) from public.contacts where id in (pair.kept, pair.gone)) = 2 then
      perform private.merge_contacts(pair.kept, pair.gone);
    end if;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_contacts_of"(private.person[]) TO "service_role";

REVOKE ALL ON FUNCTION "private"."merge_contacts_of"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_contacts_of"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_contacts_of"(private.person[]) TO "postgres";

-- private/functions/merge_contacts.sql
CREATE OR REPLACE FUNCTION private.merge_contacts (
  kept uuid,
  gone uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  other public.contacts;
begin
  perform from public.contacts where id in (kept, gone) order by id for no key update;
  select * into other from public.contacts where id = gone;
  update public.conversations set contact_id = kept where contact_id = gone and workspace_id = other.workspace_id;
  update public.contact_notes set contact_id = kept where contact_id = gone and workspace_id = other.workspace_id;
  perform set_config('wabase.merging_contacts', 'on', true);
  delete from public.contacts where id = gone;
  perform set_config('wabase.merging_contacts', 'off', true);
  update public.contacts as contact set
    phone = coalesce(contact.phone, other.phone),
    bsuid = coalesce(contact.bsuid, other.bsuid),
    -- What a person of the workspace wrote goes before what a phone's address book says.
    name = case when contact.name is not distinct from contact.synced_name then coalesce(
      nullif(other.name, other.synced_name),
      case when other.synced_name_at > contact.synced_name_at or contact.synced_name_at is null then other.synced_name else contact.synced_name end)
      else contact.name end,
    (synced_name, synced_name_at) = (
      select said.name, said.at
      from (values (contact.synced_name, contact.synced_name_at), (other.synced_name, other.synced_name_at)) as said (name, at)
      order by said.name is null, said.at desc nulls last, said.name limit 1),
    (marketing_opted_out_at, marketing_preference_at) = (
      select said.opted_out, said.at
      from (values (contact.marketing_opted_out_at, contact.marketing_preference_at),
        (other.marketing_opted_out_at, other.marketing_preference_at)) as said (opted_out, at)
      order by said.at desc nulls last, said.opted_out nulls last limit 1),
    tags = array(select distinct tag from unnest(contact.tags || other.tags) as tag order by tag),
    attributes = other.attributes || contact.attributes
  where contact.id = kept;
  if other.profile_name is not null then
    perform private.rename_contacts(array[kept], array[other.profile_name], array[other.profile_name_at]);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_contacts"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."merge_contacts"(uuid, uuid) IS 'Two contacts turn out to be one person: the second becomes part of the first.';

REVOKE ALL ON FUNCTION "private"."merge_contacts"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_contacts"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_contacts"(uuid, uuid) TO "postgres";

-- private/functions/merge_conversations.sql
CREATE OR REPLACE FUNCTION private.merge_conversations (
  kept uuid,
  gone uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  first_unread bigint;
begin
  perform from public.conversations where id in (kept, gone) order by id for no key update;
  select min(message.seq) into first_unread
  from public.conversations as thread
  join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
  where thread.id in (kept, gone) and message.direction = 'inbound' and not message.imported
    and private.is_conversational(message.type) and message.seq > thread.read_through;

  perform private.merge_lines(kept, gone);
  -- The statistics are recomputed once below, and not for each message that moves.
  perform set_config('wabase.moving_messages', 'on', true);
  update public.messages as message set conversation_id = kept
  from public.conversations as thread
  where thread.id = gone and message.workspace_id = thread.workspace_id and message.conversation_id = gone;
  perform set_config('wabase.moving_messages', 'off', true);
  update private.conversation_identifiers set conversation_id = kept where conversation_id = gone;

  update public.conversations as thread set
    contact_id = coalesce(thread.contact_id, other.contact_id),
    assigned_to = coalesce(thread.assigned_to, other.assigned_to),
    status = case when 'open' in (thread.status, other.status) then 'open' else thread.status end,
    -- What was unread in either stays unread; nothing that was would be lost to a person's eyes.
    read_through = coalesce(first_unread - 1, greatest(thread.read_through, other.read_through))
  from public.conversations as other
  where thread.id = kept and other.id = gone;
  delete from public.conversations where id = gone;
  perform private.recompute_stats(array[kept]);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_conversations"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."merge_conversations"(uuid, uuid) IS 'Two threads turn out to be one person: the second becomes part of the first.';

REVOKE ALL ON FUNCTION "private"."merge_conversations"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_conversations"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_conversations"(uuid, uuid) TO "postgres";

-- private/functions/merge_lines.sql
CREATE OR REPLACE FUNCTION private.merge_lines (
  kept uuid,
  gone uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  -- Before the pairs, as whoever records a send has them. Nobody writes: the caller holds both conversations.
  perform from public.outbox where conversation_id in (kept, gone) order by message_id for update;
  perform private.lock_pairs(array[kept, gone]);
  update public.outbox as item set ready_at = null where item.conversation_id = kept and item.ready_at is not null;
  update public.outbox as item set
    ready_at = null,
    conversation_id = kept,
    -- Both may have one on the wire at this moment; whoever comes next waits for both.
    beside = item.lease_token is not null and exists (
      select from public.outbox as flying where flying.conversation_id = kept and flying.lease_token is not null)
  where item.conversation_id = gone;
  update private.outbound_pairs as pair set
    paid_at = greatest(pair.paid_at, other.paid_at), held_until = greatest(pair.held_until, other.held_until)
  from private.outbound_pairs as other where pair.conversation_id = kept and other.conversation_id = gone;
  perform private.set_heads(array[kept]);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_lines"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."merge_lines"(uuid, uuid) IS 'What waits in two conversations that become one waits in one line, in the order of writing.';

REVOKE ALL ON FUNCTION "private"."merge_lines"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_lines"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_lines"(uuid, uuid) TO "postgres";

-- private/functions/merge_listed.sql
CREATE OR REPLACE FUNCTION private.merge_listed (
  known     public.message_templates,
  listed    private.listed_template,
  listed_at timestamp with time zone
)
  RETURNS public.message_templates
  LANGUAGE plpgsql
  STABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  merged public.message_templates := known;
  changed text[] := '{}';
begin
  merged.provider_template_id := coalesce(listed.provider_template_id, known.provider_template_id);
  -- A field that stays as it is needs no newer time either: what has not changed is not written.
  if listed.status <> known.status and private.may_speak(known.as_of, 'status', listed_at) then
    merged.status := listed.status;
    merged.reason := listed.reason;
    changed := changed || 'status'::text;
  elsif listed.reason is not null and listed.status = known.status then
    merged.reason := listed.reason;
  end if;
  if listed.category <> coalesce(known.category, '') and private.may_speak(known.as_of, 'category', listed_at) then
    merged.category := listed.category;
    changed := changed || 'category'::text;
  end if;
  if listed.quality <> coalesce(known.quality, '') and private.may_speak(known.as_of, 'quality', listed_at) then
    merged.quality := listed.quality;
    changed := changed || 'quality'::text;
  end if;
  if listed.components <> known.components and private.may_speak(known.as_of, 'components', listed_at) then
    merged.components := listed.components;
    changed := changed || 'components'::text;
  end if;
  merged.as_of := known.as_of || coalesce((select jsonb_object_agg(field, listed_at) from unnest(changed) as field), '{}');
  return merged;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_listed"(public.message_templates, private.listed_template, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "private"."merge_listed"(public.message_templates, private.listed_template, timestamp with time zone) IS 'A template as it is once a listing has spoken: field by field, and only where no webhook has spoken since.';

REVOKE ALL ON FUNCTION "private"."merge_listed"(public.message_templates, private.listed_template, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_listed"(public.message_templates, private.listed_template, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_listed"(public.message_templates, private.listed_template, timestamp WITH time zone) TO "postgres";

-- private/functions/merge_threads_of.sql
CREATE OR REPLACE FUNCTION private.merge_threads_of (
  people private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  pair record;
begin
  -- The thread that is older stays; merging one pair may finish another.
  for pair in
    with known as (
      select p.ordinality as person, named.conversation_id as id
      from unnest(people) with ordinality as p
      cross join lateral unnest(p.identifiers) as own (identifier)
      join private.conversation_identifiers as named on named.connection_id = p.connection_id and named.identifier = own.identifier
      group by 1, 2
    ), divided as (
      select person from known group by person having count(*) > 1
    ), threads as (
      select known.person, thread.id, thread.created_at,
        first_value(thread.id) over person as kept, first_value(thread.created_at) over person as kept_since
      from divided join known using (person) join public.conversations as thread on thread.id = known.id
      window person as (partition by known.person order by thread.created_at, thread.id)
    )
    select distinct kept, id as gone, kept_since from threads where id <> kept order by kept_since, kept, gone
  loop
    if (select count(*) from public.conversations where id in (pair.kept, pair.gone)) = 2 then
      perform private.merge_conversations(pair.kept, pair.gone);
    end if;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."merge_threads_of"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."merge_threads_of"(private.person[]) IS 'Phone and user id together show that two threads are one person''s: they become one.';

REVOKE ALL ON FUNCTION "private"."merge_threads_of"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."merge_threads_of"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."merge_threads_of"(private.person[]) TO "postgres";

-- private/functions/message_id_prefix.sql
CREATE OR REPLACE FUNCTION private.message_id_prefix()
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  return (select left(md5(secret::text || floor(extract(epoch from now()) / 3600)), 8) from private.message_id_secret);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."message_id_prefix"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."message_id_prefix"() TO "service_role";

COMMENT ON FUNCTION "private"."message_id_prefix"() IS 'The first eight digits of the ids of messages made in this hour.';

REVOKE ALL ON FUNCTION "private"."message_id_prefix"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."message_id_prefix"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."message_id_prefix"() TO "postgres";

-- private/functions/message_id.sql
CREATE OR REPLACE FUNCTION private.message_id (
  prefix text DEFAULT private.message_id_prefix()
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return (prefix || substr(gen_random_uuid()::text, 9))::uuid;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."message_id"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."message_id"(text) TO "service_role";

COMMENT ON FUNCTION "private"."message_id"(text) IS 'A new message''s id: random, but for a beginning that the messages of an hour share. So they stand together in each index of ids, and a table of millions is written in the same few pages as a small one (bench/README.md).';

REVOKE ALL ON FUNCTION "private"."message_id"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."message_id"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."message_id"(text) TO "postgres";

-- private/functions/message_of.sql
CREATE OR REPLACE FUNCTION private.message_of (
  callback_data text
)
  RETURNS uuid
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return case when callback_data ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(/[0-9]{1,6})?$' then left(callback_data, 36)::uuid end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."message_of"(text) TO "service_role";

COMMENT ON FUNCTION "private"."message_of"(text) IS 'Whose echo it is, see private.callback_data; null when it is none of ours.';

REVOKE ALL ON FUNCTION "private"."message_of"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."message_of"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."message_of"(text) TO "postgres";

-- private/functions/message_preview.sql
CREATE OR REPLACE FUNCTION private.message_preview (
  type    text,
  content jsonb,
  revoked boolean DEFAULT false
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return case when revoked then '🚫' else left(regexp_replace(btrim(concat_ws(' ',
    case message_preview.type
      when 'text' then null
      when 'image' then '🖼'
      when 'video' then '🎬'
      when 'audio' then '🎤'
      when 'document' then '📄'
      when 'sticker' then '💟'
      when 'location' then '📍'
      when 'contacts' then '👤'
      when 'template' then '📋'
      when 'order' then '🛒'
      when 'button' then null
      when 'interactive' then case content ->> 'type'
        when 'nfm_reply' then '📝' when 'call_permission_reply' then '📞' end
      when 'call' then '📞'
      else '❔'
    end,
    coalesce(
      case message_preview.type when 'text' then content ->> 'body' when 'button' then content ->> 'text' when 'order' then content ->> 'text' end,
      content ->> 'caption', content ->> 'filename', content ->> 'name',
      content #>> '{body,text}', content #>> '{button_reply,title}', content #>> '{list_reply,title}',
      content #>> '{nfm_reply,body}', content #>> '{0,name,formatted_name}', content #>> '{0,phones,0,phone}', content ->> 'address'
    )
  -- Only what is not a single space yet: most texts have nothing to replace.
  )), '[^\S ]\s*|\s{2,}', ' ', 'g'), 140) end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."message_preview"(text, jsonb, boolean) TO "service_role";

COMMENT ON FUNCTION "private"."message_preview"(text, jsonb, boolean) IS 'One line for the conversation list: a sign for the kind and what was written, no language, no ids.';

REVOKE ALL ON FUNCTION "private"."message_preview"(text, jsonb, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."message_preview"(text, jsonb, boolean) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."message_preview"(text, jsonb, boolean) TO "postgres";

-- private/functions/message_words.sql
CREATE OR REPLACE FUNCTION private.message_words (
  workspace_id uuid,
  type         text,
  content      jsonb
)
  RETURNS tsvector
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  scope text := left(workspace_id::text, 8);
  written text := case message_words.type
    when 'text' then content ->> 'body'
    when 'button' then content ->> 'text'
    when 'order' then content ->> 'text'
    when 'template' then content ->> 'name'
    when 'location' then concat_ws(' ', content ->> 'name', content ->> 'address')
    when 'contacts' then content #>> '{0,name,formatted_name}'
    when 'interactive' then concat_ws(' ', content #>> '{body,text}', content #>> '{button_reply,title}',
      content #>> '{list_reply,title}', content #>> '{nfm_reply,body}')
    else concat_ws(' ', content ->> 'caption', content ->> 'filename') end;
  found text;
begin
  if octet_length(written) > 2000 or written ~ e'[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]' then
    return private.words(scope, written);
  end if;
  -- The same as there: a call costs as much as the work, and every message pays for it.
  found := strip(to_tsvector('pg_catalog.simple'::regconfig, translate(written, '@./:_-+<>&', '          ')))::text;
  return case when found = '' then found else '''' || scope || replace(substr(found, 2), ''' ''', ''' ''' || scope) end::tsvector;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."message_words"(uuid, text, jsonb) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."message_words"(uuid, text, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."message_words"(uuid, text, jsonb) IS 'The words a message is found by.';

REVOKE ALL ON FUNCTION "private"."message_words"(uuid, text, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."message_words"(uuid, text, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."message_words"(uuid, text, jsonb) TO "postgres";

-- private/functions/move_places.sql
CREATE OR REPLACE FUNCTION private.move_places()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  update private.inbox_places as place set
    connection_id = thread.connection_id, state = private.inbox_state(thread.assigned_to, thread.is_read, thread.status),
    sort_at = thread.sort_at, assigned_to = thread.assigned_to, window_expires_at = thread.window_expires_at
  from (
    select moved.connection_id, moved.assigned_to, moved.is_read, moved.status, moved.sort_at, moved.window_expires_at, (
      select former.ctid from private.inbox_places as former
      where former.connection_id = was.connection_id and former.state = private.inbox_state(was.assigned_to, was.is_read, was.status)
        and former.sort_at = was.sort_at and former.conversation_id = was.id) as place
    from conversations_before as was
    -- The table and not what is: two transition tables have no index to meet by.
    join public.conversations as moved on moved.workspace_id = was.workspace_id and moved.id = was.id
    where (moved.connection_id, moved.assigned_to, moved.status, moved.is_read, moved.sort_at, moved.window_expires_at)
      is distinct from (was.connection_id, was.assigned_to, was.status, was.is_read, was.sort_at, was.window_expires_at)
    offset 0
  ) as thread
  -- Each is found by itself, by its key, and met by where it lies: rows leave their pages here all day, so a vacuum may find
  -- few in the pages it looks at and take the table for a tiny one, and a join would walk it once for every thread. Whoever
  -- moves a place holds its conversation, so it still lies there.
  where place.ctid = thread.place;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."move_places"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."move_places"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."move_places"() TO "postgres";

-- private/functions/move_stats.sql
CREATE OR REPLACE FUNCTION private.move_stats()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  perform private.recompute_stats(array(select id from unnest(array[old.conversation_id, new.conversation_id]) as id where id is not null));
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."move_stats"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."move_stats"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."move_stats"() TO "postgres";

-- private/functions/moved_numbers.sql
CREATE OR REPLACE FUNCTION private.moved_numbers (
  numbers text[]
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  -- An id that is somebody's now is theirs, whoever had it before.
  return (
    select jsonb_object_agg(former.id, connection.phone_number_id)
    from public.whatsapp_connections as connection
    cross join lateral unnest(connection.former_ids) as former (id)
    where connection.former_ids && numbers and former.id = any (numbers)
      and not exists (select from public.whatsapp_connections as present where present.phone_number_id = former.id));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."moved_numbers"(text[]) TO "service_role";

COMMENT ON FUNCTION "private"."moved_numbers"(text[]) IS 'Former ids, each with the id that its number has now; null when there is none.';

REVOKE ALL ON FUNCTION "private"."moved_numbers"(text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."moved_numbers"(text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."moved_numbers"(text[]) TO "postgres";

-- private/functions/need_open_window.sql
CREATE OR REPLACE FUNCTION private.need_open_window (
  thread public.conversations
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  if not public.is_window_open(thread) then
    raise exception 'the 24 hour window of this conversation is closed'
      using errcode = 'WA001', hint = 'Send a template; free-form messages may follow once the customer writes.';
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."need_open_window"(public.conversations) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."need_open_window"(public.conversations) TO "service_role";

REVOKE ALL ON FUNCTION "private"."need_open_window"(public.conversations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."need_open_window"(public.conversations) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."need_open_window"(public.conversations) TO "postgres";

-- private/functions/need_place.sql
CREATE OR REPLACE FUNCTION private.need_place (
  connection_id        uuid,
  provider             text,
  phone_number_id      text,
  waba_id              text,
  display_phone_number text
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  if provider is null or provider not in ('360dialog', 'meta') then
    perform private.refuse_field('provider', '360dialog or meta');
  elsif phone_number_id is null or phone_number_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('phone_number_id', 'the number''s id at WhatsApp, digits');
  elsif waba_id !~ '^[A-Za-z0-9_-]{1,64}$' then
    perform private.refuse_field('waba_id', 'the account''s id at WhatsApp, digits');
  elsif display_phone_number !~ '^\+?[0-9 ().-]{3,40}$' then
    perform private.refuse_field('display_phone_number', 'a phone number');
  end if;
  if exists (
    select from public.whatsapp_connections as other
    where other.id <> need_place.connection_id and other.phone_number_id = need_place.phone_number_id) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'A number belongs to one workspace.';
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."need_place"(uuid, text, text, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."need_place"(uuid, text, text, text, text) IS 'Raises WA032 or WA035 where a number cannot move to.';

REVOKE ALL ON FUNCTION "private"."need_place"(uuid, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."need_place"(uuid, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."need_place"(uuid, text, text, text, text) TO "postgres";

-- private/functions/need_role.sql
CREATE OR REPLACE FUNCTION private.need_role (
  role text
)
  RETURNS void
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  if role is null or role not in ('owner', 'admin', 'agent') then
    perform private.refuse_field('role', 'owner, admin or agent');
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."need_role"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."need_role"(text) TO "service_role";

COMMENT ON FUNCTION "private"."need_role"(text) IS 'Raises WA032 unless it is a role.';

REVOKE ALL ON FUNCTION "private"."need_role"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."need_role"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."need_role"(text) TO "postgres";

-- private/functions/need_workspace.sql
CREATE OR REPLACE FUNCTION private.need_workspace (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  if not exists (
    select from public.workspace_members as member
    where member.workspace_id = need_workspace.workspace_id and member.user_id = (select auth.uid()))
    and not (private.is_backend() and exists (select from public.workspaces where id = need_workspace.workspace_id))
  then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."need_workspace"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."need_workspace"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."need_workspace"(uuid) IS 'WA004 unless the caller belongs to the workspace. The first thing a definer function of the inbox does.';

REVOKE ALL ON FUNCTION "private"."need_workspace"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."need_workspace"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."need_workspace"(uuid) TO "postgres";

-- private/functions/newest.sql
CREATE OR REPLACE FUNCTION private.newest (
  threads uuid[],
  most    integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  AS $function$
begin
  return array(
    select thread.id from public.conversations as thread where thread.id = any (threads)
    order by thread.sort_at desc, thread.id desc limit most);
end
$function$;

REVOKE ALL ON FUNCTION "private"."newest"(uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."newest"(uuid[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."newest"(uuid[], integer) TO "postgres";

-- private/functions/note_backend.sql
CREATE OR REPLACE FUNCTION private.note_backend()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  new.from_backend := new.from_backend or private.is_backend();
  return new;
end
$function$;

REVOKE ALL ON FUNCTION "private"."note_backend"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."note_backend"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."note_backend"() TO "postgres";

-- private/functions/note_connection_status.sql
CREATE OR REPLACE FUNCTION private.note_connection_status()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  new.status_since := now();
  return new;
end
$function$;

COMMENT ON FUNCTION "private"."note_connection_status"() IS 'Keeps the moment in which a number was paused or went on.';

REVOKE ALL ON FUNCTION "private"."note_connection_status"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."note_connection_status"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."note_connection_status"() TO "postgres";

-- private/functions/note_profiles.sql
CREATE OR REPLACE FUNCTION private.note_profiles (
  arrived private.inbound_message[],
  threads uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  perform private.rename_contacts(told.ids, told.names, told.times)
  from (
    with said as (
      select thread.contact_id, m.profile_name, m.occurred_at, false as in_group
      from unnest(arrived) with ordinality as m
      join public.conversations as thread on thread.workspace_id = m.workspace_id and thread.id = threads[m.ordinality]
      where m.profile_name is not null and m.group_id is null
      union all
      -- In a group the thread is nobody's: who wrote is looked up, and until when so called is known by the contact alone.
      select private.writer_in_group(m.workspace_id, m.connection_id, m.wa_id, m.bsuid), m.profile_name, m.occurred_at, true
      from unnest(arrived) as m
      where m.profile_name is not null and m.group_id is not null
    ), renamed as (
      -- Nearly everybody is still called what their contact says, and then nothing is written: a contact is read with every
      -- message, and written when its name changes.
      select contact.id
      from said
      join public.contacts as contact on contact.id = said.contact_id
      where case when said.in_group then contact.profile_name_at is null or said.occurred_at >= contact.profile_name_at
        else said.profile_name is distinct from contact.profile_name end
    )
    select array_agg(contact_id) as ids, array_agg(profile_name) as names, array_agg(occurred_at) as times
    from said where contact_id = any (array(select id from renamed)) having count(*) > 0
  ) as told;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."note_profiles"(private.inbound_message[], uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."note_profiles"(private.inbound_message[], uuid[]) IS 'A contact bears the name its person had in the newest message by the provider''s clock, whatever came first.';

REVOKE ALL ON FUNCTION "private"."note_profiles"(private.inbound_message[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."note_profiles"(private.inbound_message[], uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."note_profiles"(private.inbound_message[], uuid[]) TO "postgres";

-- private/functions/note_sightings.sql
CREATE OR REPLACE FUNCTION private.note_sightings (
  people private.person[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  -- The newest by the provider's clock out of all there is, so the order of arrival does not matter.
  with thread as (
    select c.id, c.workspace_id, c.connection_id from public.conversations as c
    where c.id in (select p.conversation_id from unnest(people) as p) and c.group_id is null
    order by c.id for no key update
  ), sighting as (
    select p.conversation_id, p.wa_id, p.bsuid, p.seen_at, false as changed from unnest(people) as p where p.seen_at is not null
    union all
    select thread.id, message.wa_id, message.bsuid, message.occurred_at, false
    from thread
    join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
    union all
    select thread.id, nullif(change.wa_id, ''), nullif(change.bsuid, ''), change.occurred_at, true
    from thread
    join private.conversation_identifiers as own on own.connection_id = thread.connection_id and own.conversation_id = thread.id
    join private.identity_changes as change on change.connection_id = own.connection_id and change.identifier = own.identifier
  ), newest as (
    select conversation_id as id,
      -- The message that tells of a change bears the old ids and the same second.
      (array_agg(wa_id order by seen_at desc, changed desc, wa_id) filter (where wa_id is not null))[1] as wa_id,
      (array_agg(bsuid order by seen_at desc, changed desc, bsuid) filter (where bsuid is not null))[1] as bsuid
    from sighting group by conversation_id
  )
  update public.conversations as c set phone = coalesce(newest.wa_id, c.phone), bsuid = coalesce(newest.bsuid, c.bsuid)
  from newest join thread using (id)
  where c.id = newest.id
    and (c.phone is distinct from coalesce(newest.wa_id, c.phone) or c.bsuid is distinct from coalesce(newest.bsuid, c.bsuid));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."note_sightings"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."note_sightings"(private.person[]) IS 'A thread bears the number and user id its person was last seen under: replies go there.';

REVOKE ALL ON FUNCTION "private"."note_sightings"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."note_sightings"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."note_sightings"(private.person[]) TO "postgres";

-- private/functions/number_rate.sql
CREATE OR REPLACE FUNCTION private.number_rate (
  connection public.whatsapp_connections,
  pace       private.outbound_numbers
)
  RETURNS integer
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return case when pace.narrowed_to is null then connection.messages_per_second
    else greatest(1, least(connection.messages_per_second,
      floor(pace.narrowed_to * power(2, extract(epoch from least(now() - pace.narrowed_at, interval '10 minutes')) / 30)))) end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."number_rate"(public.whatsapp_connections, private.outbound_numbers) TO "service_role";

COMMENT ON FUNCTION "private"."number_rate"(public.whatsapp_connections, private.outbound_numbers) IS 'Messages per second of a number now: its own, or less for a while after WhatsApp refused some.';

REVOKE ALL ON FUNCTION "private"."number_rate"(public.whatsapp_connections, private.outbound_numbers) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."number_rate"(public.whatsapp_connections, private.outbound_numbers) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."number_rate"(public.whatsapp_connections, private.outbound_numbers) TO "postgres";

-- private/functions/number_tokens.sql
CREATE OR REPLACE FUNCTION private.number_tokens (
  connection public.whatsapp_connections,
  pace       private.outbound_numbers
)
  RETURNS integer
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  if pace.held_until > clock_timestamp() then
    return 0;
  end if;
  -- A send counts from its claim until a second after its answer was recorded: WhatsApp saw it somewhere in between, so
  -- no second there, wherever it begins, holds more than the rate.
  return greatest(0, private.number_rate(connection, pace)
    -- Whose lease ran out a minute ago was sent longer ago. Index entries of leases that are over are passed by, however
    -- many an old snapshot keeps.
    - (select count(*) from public.outbox where connection_id = connection.id and lease_token is not null
        and lease_expires_at > now() - interval '1 minute')
    - coalesce((
        select sum(amount) from unnest(pace.done_at, pace.done) as ended (at, amount)
        where ended.at > clock_timestamp() - interval '1 second'), 0));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."number_tokens"(public.whatsapp_connections, private.outbound_numbers) TO "service_role";

COMMENT ON FUNCTION "private"."number_tokens"(public.whatsapp_connections, private.outbound_numbers) IS 'How many messages of a number may be claimed at this moment.';

REVOKE ALL ON FUNCTION "private"."number_tokens"(public.whatsapp_connections, private.outbound_numbers) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."number_tokens"(public.whatsapp_connections, private.outbound_numbers) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."number_tokens"(public.whatsapp_connections, private.outbound_numbers) TO "postgres";

-- private/functions/numbers_in.sql
CREATE OR REPLACE FUNCTION private.numbers_in (
  events   jsonb,
  messages jsonb,
  statuses jsonb,
  facts    jsonb
)
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  -- Events name the numbers of all that came with them, and alike ones are one line: far less to look through.
  if events <> '[]' then
    return array(select distinct id #>> '{}' from jsonb_path_query(events, '$[*].numbers[*].phone_number_id') as id);
  end if;
  return array(
    select id #>> '{}' from jsonb_path_query(messages, '$[*].phone_number_id') as id
    union select id #>> '{}' from jsonb_path_query(statuses, '$[*].phone_number_id') as id
    union select id #>> '{}' from jsonb_path_query(facts, '$[*].phone_number_id') as id);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."numbers_in"(jsonb, jsonb, jsonb, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."numbers_in"(jsonb, jsonb, jsonb, jsonb) IS 'The ids of numbers that the arguments of record_inbound name, each once.';

REVOKE ALL ON FUNCTION "private"."numbers_in"(jsonb, jsonb, jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."numbers_in"(jsonb, jsonb, jsonb, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."numbers_in"(jsonb, jsonb, jsonb, jsonb) TO "postgres";

-- private/functions/object_name.sql
CREATE OR REPLACE FUNCTION private.object_name (
  workspace_id    uuid,
  conversation_id uuid,
  message_id      uuid
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return workspace_id || '/' || coalesce(conversation_id::text, 'none') || '/' || message_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."object_name"(uuid, uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."object_name"(uuid, uuid, uuid) IS 'Where the file of a message goes in the bucket, an extension aside. It stays there when the thread is merged or deleted.';

REVOKE ALL ON FUNCTION "private"."object_name"(uuid, uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."object_name"(uuid, uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."object_name"(uuid, uuid, uuid) TO "postgres";

-- private/functions/object_stem.sql
CREATE OR REPLACE FUNCTION private.object_stem (
  path text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return regexp_replace(path, '\.[^/]*$', '');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."object_stem"(text) TO "service_role";

COMMENT ON FUNCTION "private"."object_stem"(text) IS 'The name of a message''s file without its extension.';

REVOKE ALL ON FUNCTION "private"."object_stem"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."object_stem"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."object_stem"(text) TO "postgres";

-- private/functions/objects_under.sql
CREATE OR REPLACE FUNCTION private.objects_under (
  prefix text,
  most   integer
)
  RETURNS SETOF text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  -- `.` and `/` follow each other: so the last is the name itself, and the name with an extension.
  highest text := case when prefix like '%/' then left(prefix, -1) || '0'
    when split_part(prefix, '/', 2) = 'outgoing' then prefix || E'\x01' else prefix || '/' end;
begin
  return query
  select object.name
  from storage.objects as object
  where object.bucket_id = 'whatsapp-media' and object.name collate "C" >= prefix and object.name collate "C" < highest
    and (right(prefix, 1) = '/' or substr(object.name, length(prefix) + 1) ~ '^(\.[^/]*)?$')
  order by object.name collate "C"
  limit most;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."objects_under"(text, integer) TO "service_role";

COMMENT ON FUNCTION "private"."objects_under"(text, integer) IS 'The first names of objects that a prefix means, in the order of their bytes.';

REVOKE ALL ON FUNCTION "private"."objects_under"(text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."objects_under"(text, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."objects_under"(text, integer) TO "postgres";

-- private/functions/open_conversation.sql
CREATE OR REPLACE FUNCTION private.open_conversation (
  workspace_id  uuid,
  recipient     text,
  connection_id uuid
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  numbers public.whatsapp_connections[];
  -- Two letters, a dot, and what is opaque: a business-scoped user id (Meta).
  by_user_id boolean := recipient ~ '^[A-Z]{2}\.[^\s]{1,140}$';
  wa_id text := case when not by_user_id then regexp_replace(recipient, '[^0-9]', '', 'g') end;
  person private.person;
  people private.person[];
begin
  if not (private.is_backend() or open_conversation.workspace_id in (select private.user_workspace_ids())) then
    raise exception 'no such workspace' using errcode = 'WA004';
  end if;
  numbers := array(
    select one from public.whatsapp_connections as one
    where one.workspace_id = open_conversation.workspace_id and one.status <> 'disconnected'
      and (open_conversation.connection_id is null or one.id = open_conversation.connection_id)
    limit 2);
  if numbers = '{}' then
    raise exception 'no such connection' using errcode = 'WA004';
  elsif cardinality(numbers) > 1 then
    raise exception 'the workspace has several numbers' using errcode = 'WA009', detail = 'connection_id', hint = 'Say which one is to send.';
  end if;
  if recipient is null or not by_user_id and (recipient !~ '^\+?[0-9][0-9 ().-]*$' or wa_id !~ '^[1-9][0-9]{6,14}$') then
    raise exception 'the recipient is neither a phone number nor a user id' using errcode = 'WA014', detail = 'recipient',
      hint = 'A phone number with its country code, like +972501234567, or a business-scoped user id.';
  end if;
  person := row(open_conversation.workspace_id, numbers[1].id, numbers[1].phone_number_id, wa_id,
    case when by_user_id then recipient end, null, now(),
    private.identifiers_of(numbers[1].id, wa_id, case when by_user_id then recipient end, null, null), null);
  people := private.with_conversations(array[person]);
  if people[1].conversation_id is null then
    -- In the turn that recordings of this number take: two first words at once make one thread.
    perform pg_advisory_xact_lock(private.turn_of(numbers[1].id));
    people := private.ensure_conversations(array[person]);
    perform private.ensure_contacts(people);
  end if;
  return people[1].conversation_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."open_conversation"(uuid, text, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."open_conversation"(uuid, text, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."open_conversation"(uuid, text, uuid) IS 'The thread of a recipient with a number of the workspace, made if there is none. WA004, WA009, WA014.';

REVOKE ALL ON FUNCTION "private"."open_conversation"(uuid, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."open_conversation"(uuid, text, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."open_conversation"(uuid, text, uuid) TO "postgres";

-- private/functions/outbound_candidates.sql
CREATE OR REPLACE FUNCTION private.outbound_candidates (
  max_messages integer,
  shares       jsonb
)
  RETURNS TABLE (
    message_id uuid,
    place      tid,
    verdict    text
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_bitmapscan TO 'off'
  AS $function$
#variable_conflict use_column
declare
  -- The clock's and not the transaction's: a claim may have waited for its turn.
  instant timestamptz := clock_timestamp();
begin
  return query
  with waiting as (
    select (number.connection).workspace_id, head.message_id, head.place, head.priority, head.ready_at,
      row_number() over (partition by (number.connection).id order by head.priority, head.ready_at, head.seq) as rank
    from private.waiting_numbers(shares) as number
    cross join lateral (
      select least(max_messages, (shares ->> (number.connection).id::text)::integer,
        private.number_tokens(number.connection, number.pace)) as tokens offset 0) as free
    cross join lateral (
      select item.* from (
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 0 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
        union all
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 1 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
        union all
        (select *, ctid as place from public.outbox where connection_id = (number.connection).id and priority = 2 and ready_at <= instant
         order by ready_at, seq limit free.tokens)
      ) as item
      limit free.tokens) as head
    where free.tokens > 0
  ), turn as (
    select *, row_number() over (partition by workspace_id order by priority, rank) as turn from waiting
  ), chosen as (
    -- Who answers somebody goes before any campaign; then workspace by workspace, and number by number within.
    select * from turn order by priority, turn, ready_at limit max_messages
  )
  select chosen.message_id, chosen.place, case
      when message.type <> 'template' and not coalesce(thread.window_expires_at > now(), false) then 'window'
      when message.type = 'template' and contact.marketing_opted_out_at is not null and exists (
          select from public.message_templates as template
          where template.workspace_id = message.workspace_id and template.connection_id = message.connection_id
            and template.name = message.content ->> 'name'
            and template.language = message.content #>> '{language,code}' and upper(template.category) = 'MARKETING')
        then 'opted_out'
    end
  from chosen
  join public.messages as message on message.id = chosen.message_id
  join public.conversations as thread on thread.id = message.conversation_id
  left join public.contacts as contact on contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."outbound_candidates"(integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."outbound_candidates"(integer, jsonb) IS 'Heads that may go now within each number''s rate and share, replies first, tenants in turn: where each row lies as this statement sees it, and the reason why one may not be sent at all.';

REVOKE ALL ON FUNCTION "private"."outbound_candidates"(integer, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."outbound_candidates"(integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."outbound_candidates"(integer, jsonb) TO "postgres";

-- private/functions/own_message.sql
CREATE OR REPLACE FUNCTION private.own_message (
  message_id uuid
)
  RETURNS public.messages
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  found_one public.messages;
begin
  select * into found_one from public.messages as message
  where message.id = own_message.message_id and message.direction = 'outbound'
    and (private.is_backend() or message.workspace_id in (select private.user_workspace_ids()));
  if not found then
    raise exception 'no such message' using errcode = 'WA004';
  end if;
  return found_one;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."own_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."own_message"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."own_message"(uuid) IS 'An outbound message of one of the caller''s workspaces. WA004.';

REVOKE ALL ON FUNCTION "private"."own_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."own_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."own_message"(uuid) TO "postgres";

-- private/functions/pace_numbers.sql
CREATE OR REPLACE FUNCTION private.pace_numbers (
  results private.send_result[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  insert into private.outbound_numbers (connection_id)
  select distinct connection_id from unnest(results)
  where not exists (select from private.outbound_numbers as known where known.connection_id = unnest.connection_id)
  order by 1 on conflict do nothing;
  perform from private.outbound_numbers
  where connection_id in (select connection_id from unnest(results)) order by connection_id for update;

  update private.outbound_numbers as pace set
    (done_at, done) = (
      select array_agg(ended.at order by ended.at), array_agg(ended.amount order by ended.at)
      from (
        select * from unnest(pace.done_at, pace.done) as before (at, amount)
        where before.at > clock_timestamp() - interval '1 second'
        union all
        select clock_timestamp(), told.amount
      ) as ended),
    strikes = case when told.throttled and not told.again then pace.strikes + 1 when told.passed then 0 else pace.strikes end,
    -- Those on the wire together are refused together: they narrow the number once.
    narrowed_to = case when told.throttled and not told.again then greatest(1, told.rate / 2.0) else pace.narrowed_to end,
    narrowed_at = case when told.throttled and not told.again then now() else pace.narrowed_at end,
    held_until = case when told.throttled
      then greatest(pace.held_until, now() + greatest(told.wait, least(power(2, least(pace.strikes, 6)), 60)) * interval '1 second')
      else pace.held_until end
  from (
    select result.connection_id, count(*)::integer as amount,
      bool_or(result.outcome = 'throttle' and result.scope = 'number') as throttled,
      bool_or(result.outcome = 'done') as passed,
      coalesce(max(result.retry_after) filter (where result.outcome = 'throttle' and result.scope = 'number'), 0) as wait,
      min(private.number_rate(connection, pace)) as rate,
      coalesce(bool_or(pace.narrowed_at > now() - interval '1 second'), false) as again
    from unnest(results) as result
    join public.whatsapp_connections as connection on connection.id = result.connection_id
    join private.outbound_numbers as pace on pace.connection_id = result.connection_id
    group by result.connection_id
  ) as told
  where pace.connection_id = told.connection_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."pace_numbers"(private.send_result[]) TO "service_role";

COMMENT ON FUNCTION "private"."pace_numbers"(private.send_result[]) IS 'Counts sends against the rate of their number; 130429 and its like halve the rate, which then recovers by itself.';

REVOKE ALL ON FUNCTION "private"."pace_numbers"(private.send_result[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."pace_numbers"(private.send_result[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."pace_numbers"(private.send_result[]) TO "postgres";

-- private/functions/pace_pairs.sql
CREATE OR REPLACE FUNCTION private.pace_pairs (
  results private.send_result[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  perform private.lock_pairs(array(select conversation_id from unnest(results)));
  -- Paid for from now on: WhatsApp saw it before its answer came, and counts from then.
  update private.outbound_pairs as pair set
    paid_at = case when result.outcome = 'throttle' then pair.paid_at
      else greatest(pair.paid_at, clock_timestamp()) + interval '6 seconds' end,
    -- Meta asks for 4^X seconds after the X-th refusal in a row; the worker knows what its rule or the answer asks for.
    strikes = case when result.outcome = 'throttle' then pair.strikes + (result.scope = 'pair')::integer else 0 end,
    held_until = case when result.outcome = 'throttle' and result.scope = 'pair'
      then now() + greatest(result.retry_after, least(power(4, least(pair.strikes + 1, 6)), 3600)) * interval '1 second' end
  from unnest(results) as result
  where pair.conversation_id = result.conversation_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."pace_pairs"(private.send_result[]) TO "service_role";

COMMENT ON FUNCTION "private"."pace_pairs"(private.send_result[]) IS 'Counts sends against the pair rate: one per 6 seconds, bursts up to 45; 131056 holds that pair alone.';

REVOKE ALL ON FUNCTION "private"."pace_pairs"(private.send_result[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."pace_pairs"(private.send_result[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."pace_pairs"(private.send_result[]) TO "postgres";

-- private/functions/pace_unanswered.sql
CREATE OR REPLACE FUNCTION private.pace_unanswered (
  items   public.outbox[],
  outcome text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  results private.send_result[] := array(
    select row(item.message_id, item.lease_token, item.connection_id, item.conversation_id, item.leased_at, outcome,
      null, null, null, null, null)::private.send_result
    from unnest(items) as item where item.lease_token is not null);
begin
  if results <> '{}' then
    perform private.pace_pairs(results);
    perform private.pace_numbers(results);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."pace_unanswered"(public.outbox[], text) TO "service_role";

COMMENT ON FUNCTION "private"."pace_unanswered"(public.outbox[], text) IS 'Counts leased sends that end without a record of their answer: WhatsApp has counted them, or may have.';

REVOKE ALL ON FUNCTION "private"."pace_unanswered"(public.outbox[], text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."pace_unanswered"(public.outbox[], text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."pace_unanswered"(public.outbox[], text) TO "postgres";

-- private/functions/page_by_walking.sql
CREATE OR REPLACE FUNCTION private.page_by_walking (
  f           private.conversation_filter,
  by_messages boolean,
  threads     uuid[],
  most        integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
  place private.inbox_place := row(f.before_id, f.before_at);
  stretch private.inbox_place[];
  found uuid[] := '{}';
  lacking integer;
  walked integer := 0;
  -- Long enough where thousands are hashed for each stretch.
  each integer := case when threads is null then 100 else 500 end;
begin
  loop
    stretch := array(select next from private.walk_stretch(f, place.sort_at, place.conversation_id, each) as next);
    lacking := f.page_size - cardinality(found);
    found := found || case
      when threads is not null then private.among(f, stretch, threads, lacking)
      when by_messages then private.read_through(f, stretch, lacking)
      else private.with_contact(f, stretch, lacking) end;
    exit when cardinality(found) >= f.page_size or cardinality(stretch) < each;
    walked := walked + cardinality(stretch);
    -- So many fit, but not here: whoever gathers them after all is done in time.
    if walked >= most then
      return null;
    end if;
    place := stretch[cardinality(stretch)];
    each := least(2 * each, 1000);
  end loop;
  return found;
end
$function$;

COMMENT ON FUNCTION "private"."page_by_walking"(private.conversation_filter, boolean, uuid[], integer) IS 'The page by looking at one thread after the other, newest first: whether it is one of `threads`, else at its messages, or at its contact alone. Null: it was not full after so many.';

REVOKE ALL ON FUNCTION "private"."page_by_walking"(private.conversation_filter, boolean, uuid[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."page_by_walking"(private.conversation_filter, boolean, uuid[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."page_by_walking"(private.conversation_filter, boolean, uuid[], integer) TO "postgres";

-- private/functions/page_of.sql
CREATE OR REPLACE FUNCTION private.page_of (
  f        private.conversation_filter,
  contacts uuid[],
  threads  uuid[]
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET enable_material TO 'off'
  AS $function$
begin
  return array(
    select ordered.id
    from (
      -- Sorted first, and looked into one after the other until the page is full. One that was found twice is there once.
      select distinct on (gathered.sort_at, gathered.id) gathered.id, gathered.contact_id
      from (
        -- Each by its key alone: what else is asked of it would tempt the planner to read the whole inbox by another index.
        select thread.* from unnest(contacts) as one (id)
        cross join lateral (
          select * from public.conversations as own
          where own.workspace_id = f.workspace_id and own.contact_id = one.id offset 0) as thread
        union all
        select thread.* from unnest(threads) as one (id)
        cross join lateral (select * from public.conversations as own where own.id = one.id offset 0) as thread
      ) as gathered
      where gathered.workspace_id = f.workspace_id and gathered.status = any (f.statuses) and gathered.is_read = any (f.read_marks)
        and (not f.by_assignee or gathered.assigned_to is not distinct from f.assignee)
        and gathered.connection_id = any (f.connections)
        and (gathered.sort_at, gathered.id) < (f.before_at, f.before_id)
      order by gathered.sort_at desc, gathered.id desc offset 0
    ) as ordered
    where (f.tags is null or private.is_tagged(ordered.contact_id, f))
      and (f.search is null or private.is_found(ordered.id, ordered.contact_id, f))
    limit f.page_size);
end
$function$;

COMMENT ON FUNCTION "private"."page_of"(private.conversation_filter, uuid[], uuid[]) IS 'The page out of the threads of contacts, and threads.';

REVOKE ALL ON FUNCTION "private"."page_of"(private.conversation_filter, uuid[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."page_of"(private.conversation_filter, uuid[], uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."page_of"(private.conversation_filter, uuid[], uuid[]) TO "postgres";

-- private/functions/page_size.sql
CREATE OR REPLACE FUNCTION private.page_size (
  size numeric
)
  RETURNS integer
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  if size is null then
    return 50;
  elsif size not between 1 and 200 or size <> trunc(size) then
    perform private.refuse_argument('limit', 'a whole number from 1 to 200');
  end if;
  return size;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."page_size"(numeric) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."page_size"(numeric) TO "service_role";

COMMENT ON FUNCTION "private"."page_size"(numeric) IS 'The size of a page, 50 where none is given. WA024.';

REVOKE ALL ON FUNCTION "private"."page_size"(numeric) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."page_size"(numeric) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."page_size"(numeric) TO "postgres";

-- private/functions/pair_ready_at.sql
CREATE OR REPLACE FUNCTION private.pair_ready_at (
  pair private.outbound_pairs
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  -- One message per 6 seconds to one user, bursts up to 45 (Meta, pair rate limits).
  return greatest(pair.paid_at - 44 * interval '6 seconds', pair.held_until);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."pair_ready_at"(private.outbound_pairs) TO "service_role";

REVOKE ALL ON FUNCTION "private"."pair_ready_at"(private.outbound_pairs) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."pair_ready_at"(private.outbound_pairs) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."pair_ready_at"(private.outbound_pairs) TO "postgres";

-- private/functions/paths_waiting.sql
CREATE OR REPLACE FUNCTION private.paths_waiting (
  workspace_ids uuid[]
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  return array(
    select distinct path #>> '{}'
    from public.outbox as item
    join public.messages as message on message.id = item.message_id,
      jsonb_path_query(message.content, 'lax $.**.path') as path
    where item.workspace_id = any (workspace_ids));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."paths_waiting"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."paths_waiting"(uuid[]) IS 'The files that messages still to be sent, or in doubt, name anywhere.';

REVOKE ALL ON FUNCTION "private"."paths_waiting"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."paths_waiting"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."paths_waiting"(uuid[]) TO "postgres";

-- private/functions/pause_numbers.sql
CREATE OR REPLACE FUNCTION private.pause_numbers (
  results private.send_result[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  -- Whoever is setting a key holds the number until the key can be seen.
  perform from public.whatsapp_connections
  where id in (select connection_id from unnest(results) where outcome = 'pause') order by id for no key update;
  update public.whatsapp_connections as connection set
    status = 'paused', status_reason = stop.reason, last_error = stop.error || jsonb_build_object('at', now())
  from (
    select distinct on (connection_id) connection_id, coalesce(reason, 'provider') as reason, error, leased_at
    from unnest(results) where outcome = 'pause' order by connection_id, message_id
  ) as stop
  where connection.id = stop.connection_id and connection.status = 'active'
    -- Refused with a key that has been replaced in the meantime: the new one is to be tried.
    and not (stop.reason = 'credential' and private.has_newer_credential(stop.connection_id, stop.leased_at));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."pause_numbers"(private.send_result[]) TO "service_role";

COMMENT ON FUNCTION "private"."pause_numbers"(private.send_result[]) IS 'Stops numbers that WhatsApp has stopped: their queues wait, nothing fails.';

REVOKE ALL ON FUNCTION "private"."pause_numbers"(private.send_result[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."pause_numbers"(private.send_result[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."pause_numbers"(private.send_result[]) TO "postgres";

-- private/functions/phone_key.sql
CREATE OR REPLACE FUNCTION private.phone_key (
  phone text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  digits text := translate(phone, '+(). -', '');
begin
  -- Brazil, Argentina and Mexico: one subscriber is reached with and without an extra digit, and WhatsApp itself
  -- changes it at will. Only the key folds the variants; the number is stored as it came. What is no number at all
  -- stands for itself.
  return case
    when digits !~ '^[0-9]+$' then phone
    when digits ~ '^55[1-9][0-9]9[6-9][0-9]{7}$' then left(digits, 4) || right(digits, 8)
    when digits ~ '^549[0-9]{10}$' then '54' || right(digits, 10)
    when digits ~ '^521[0-9]{10}$' then '52' || right(digits, 10)
    else digits
  end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."phone_key"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."phone_key"(text) TO "service_role";

COMMENT ON FUNCTION "private"."phone_key"(text) IS 'What two spellings of one phone number have in common. For matching only, never for sending.';

REVOKE ALL ON FUNCTION "private"."phone_key"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."phone_key"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."phone_key"(text) TO "postgres";

-- private/functions/places_of.sql
CREATE OR REPLACE FUNCTION private.places_of (
  thread public.conversations
)
  RETURNS bigint
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  return (
    select count(*) from private.inbox_places as place
    where place.connection_id = thread.connection_id
      and place.state = private.inbox_state(thread.assigned_to, thread.is_read, thread.status) and place.sort_at = thread.sort_at
      and place.conversation_id = thread.id and place.assigned_to is not distinct from thread.assigned_to
      and place.window_expires_at is not distinct from thread.window_expires_at);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."places_of"(public.conversations) TO "service_role";

COMMENT ON FUNCTION "private"."places_of"(public.conversations) IS 'In how many places of the inbox a conversation is as it should be: one.';

REVOKE ALL ON FUNCTION "private"."places_of"(public.conversations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."places_of"(public.conversations) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."places_of"(public.conversations) TO "postgres";

-- private/functions/plan_chores.sql
CREATE OR REPLACE FUNCTION private.plan_chores()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- Without a credential there is nothing to ask with, and setting it makes them due. In single-workspace mode the
  -- worker has the key, and it is not in this table.
  insert into private.connection_chores (workspace_id, connection_id, kind, due_at)
  select new.workspace_id, new.id, kind, now() + interval '5 minutes' from unnest(array['templates', 'health']) as kind;
  return null;
end
$function$;

COMMENT ON FUNCTION "private"."plan_chores"() IS 'A number that is connected gets its chores.';

REVOKE ALL ON FUNCTION "private"."plan_chores"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."plan_chores"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."plan_chores"() TO "postgres";

-- private/functions/prepare_message.sql
CREATE OR REPLACE FUNCTION private.prepare_message()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  thread public.conversations;
begin
  if new.conversation_id is not null then
    select * into thread from public.conversations where id = new.conversation_id;
    if not found or new.workspace_id <> thread.workspace_id then
      raise exception 'no such conversation' using errcode = 'WA004';
    end if;
    new.workspace_id := thread.workspace_id;
    new.connection_id := coalesce(new.connection_id, thread.connection_id);
  elsif new.status = 'queued' and new.direction = 'outbound' then
    raise exception 'a message needs a conversation_id' using errcode = 'WA004';
  end if;
  if new.direction = 'inbound' then
    new.status := 'received';
  elsif new.status = 'queued' then
    new := private.prepare_outbound(new, thread);
  end if;
  return new;
end
$function$;

REVOKE ALL ON FUNCTION "private"."prepare_message"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prepare_message"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."prepare_message"() TO "postgres";

-- private/functions/prepare_outbound.sql
CREATE OR REPLACE FUNCTION private.prepare_outbound (
  message public.messages,
  thread  public.conversations
)
  RETURNS public.messages
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  message.sent_by := coalesce((select auth.uid()), message.sent_by);
  perform private.check_envelope(
    message.type, message.content, message.client_reference, message.reply_to_wamid, message.send_after);
  if message.type = 'template' then
    -- WhatsApp needs a language; whoever names none means the workspace's.
    if coalesce(jsonb_typeof(message.content -> 'language'), 'null') = 'null' then
      message.content := message.content || jsonb_build_object('language', jsonb_build_object('code',
        (select default_language from public.workspaces where id = message.workspace_id)));
    elsif jsonb_typeof(message.content -> 'language') = 'string' then
      message.content := jsonb_set(message.content, '{language}', jsonb_build_object('code', message.content -> 'language'));
    end if;
  end if;
  perform private.check_content(message.type, message.content, message.workspace_id);
  if message.type = 'reaction' then
    if message.reply_to_wamid <> message.content ->> 'message_id' then
      perform private.refuse_content('WA016', 'reply_to_wamid', 'none: a reaction names its message in message_id alone');
    end if;
    message.reply_to_wamid := message.content ->> 'message_id';
  end if;
  if message.type = 'template' then
    if thread.phone is null then
      -- The code goes to a phone number; WhatsApp refuses to send it to a user id.
      if exists (
        select from public.message_templates as template
        where template.workspace_id = message.workspace_id and template.connection_id = message.connection_id
          and template.name = message.content ->> 'name' and template.language = message.content #>> '{language,code}'
          and upper(template.category) = 'AUTHENTICATION') then
        raise exception 'an authentication template needs a phone number' using errcode = 'WA017', detail = 'name',
          hint = 'This customer shows a username only: ask for the number first.';
      end if;
    end if;
  else
    perform private.need_open_window(thread);
  end if;
  return message;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."prepare_outbound"(public.messages, public.conversations) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."prepare_outbound"(public.messages, public.conversations) TO "service_role";

REVOKE ALL ON FUNCTION "private"."prepare_outbound"(public.messages, public.conversations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."prepare_outbound"(public.messages, public.conversations) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."prepare_outbound"(public.messages, public.conversations) TO "postgres";

-- private/functions/quarter_of.sql
CREATE OR REPLACE FUNCTION private.quarter_of (
  moment timestamp with time zone
)
  RETURNS timestamp WITH time zone
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return date_bin(interval '15 minutes', moment, timestamptz 'epoch');
end
$function$;

COMMENT ON FUNCTION "private"."quarter_of"(timestamp with time zone) IS 'When the quarter of an hour began that a moment is in.';

REVOKE ALL ON FUNCTION "private"."quarter_of"(timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."quarter_of"(timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."quarter_of"(timestamp WITH time zone) TO "postgres";

-- private/functions/queue_media.sql
CREATE OR REPLACE FUNCTION private.queue_media (
  message_ids uuid[],
  at_least    interval DEFAULT '00:10:00'::interval
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, sha256, deadline)
  select message.id, message.workspace_id, message.connection_id,
    private.object_name(message.workspace_id, message.conversation_id, message.id), message.media_id, message.media_sha256,
    -- The ids of a phone's history are as young as the webhook that tells them. What comes late, because the webhook did,
    -- gets a try all the same.
    greatest(now() + at_least,
      case when message.imported then now() else least(message.occurred_at, now()) end + connection.media_lifetime)
  from unnest(message_ids) as one (id)
  join public.messages as message on message.id = one.id
  join public.whatsapp_connections as connection on connection.id = message.connection_id
  where message.media_id is not null
  on conflict (message_id) do nothing;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."queue_media"(uuid[], interval) TO "service_role";

COMMENT ON FUNCTION "private"."queue_media"(uuid[], interval) IS 'Puts the files of messages into the queue, with the time that their number''s provider keeps them and never less than `at_least`.';

REVOKE ALL ON FUNCTION "private"."queue_media"(uuid[], interval) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."queue_media"(uuid[], interval) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."queue_media"(uuid[], interval) TO "postgres";

-- private/functions/queue_receipt.sql
CREATE OR REPLACE FUNCTION private.queue_receipt (
  thread public.conversations,
  kind   text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  insert into private.receipts as waiting (workspace_id, conversation_id, kind, connection_id, message_id, wamid)
  select thread.workspace_id, thread.id, queue_receipt.kind, thread.connection_id, newest.id, newest.wamid
  from (
    select message.id, message.wamid, message.seq
    from public.messages as message
    where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.direction = 'inbound' and message.wamid is not null and not message.imported
      and private.is_conversational(message.type)
      -- WhatsApp marks nothing that is older.
      and message.occurred_at > now() - interval '30 days'
    order by message.occurred_at desc, message.seq desc limit 1
  ) as newest
  where case queue_receipt.kind
    when 'typing' then public.is_window_open(thread)
    else newest.seq > coalesce(thread.read_through, 0) and exists (
      select from public.whatsapp_connections where id = thread.connection_id and send_read_receipts) end
  on conflict on constraint receipts_pkey do update set
    connection_id = excluded.connection_id, message_id = excluded.message_id, wamid = excluded.wamid,
    created_at = now(), available_at = now(), attempts = 0, lease_token = null, lease_expires_at = null;
end
$function$;

COMMENT ON FUNCTION "private"."queue_receipt"(public.conversations, text) IS 'Puts a receipt for the newest message of a customer in the place of any that waits.';

REVOKE ALL ON FUNCTION "private"."queue_receipt"(public.conversations, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."queue_receipt"(public.conversations, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."queue_receipt"(public.conversations, text) TO "postgres";

-- private/functions/queue_removal.sql
CREATE OR REPLACE FUNCTION private.queue_removal (
  prefix       text,
  workspace_id uuid,
  cause        text                     DEFAULT 'deleted'::text,
  available_at timestamp with time zone DEFAULT now(),
  watch_until  timestamp with time zone DEFAULT now()
)
  RETURNS boolean
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  insert into private.media_removals as known (prefix, workspace_id, cause, available_at, watch_until)
  values (queue_removal.prefix, queue_removal.workspace_id, queue_removal.cause, queue_removal.available_at, queue_removal.watch_until)
  on conflict on constraint media_removals_pkey do update set
    cause = case when excluded.cause = 'expired' then 'expired' else known.cause end,
    available_at = case when known.lease_token is null then least(known.available_at, excluded.available_at) else known.available_at end,
    watch_until = greatest(known.watch_until, excluded.watch_until);
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."queue_removal"(text, uuid, text, timestamp WITH time zone, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "private"."queue_removal"(text, uuid, text, timestamp with time zone, timestamp with time zone) IS 'Says that nothing may be left under a prefix.';

REVOKE ALL ON FUNCTION "private"."queue_removal"(text, uuid, text, timestamp WITH time zone, timestamp WITH time zone) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."queue_removal"(text, uuid, text, timestamp WITH time zone, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."queue_removal"(text, uuid, text, timestamp WITH time zone, timestamp WITH time zone) TO "postgres";

-- private/functions/read_cursor.sql
CREATE OR REPLACE FUNCTION private.read_cursor (
  f      private.conversation_filter,
  cursor text
)
  RETURNS private.conversation_filter
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  f.before_at := 'infinity';
  f.before_id := 'ffffffff-ffff-ffff-ffff-ffffffffffff';
  if cursor is not null then
    if cursor !~ '^-?[0-9]{1,16}\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
      perform private.refuse_argument('cursor', 'the cursor of a row');
    end if;
    -- To the microsecond: 16 digits are exact in the double that an interval is multiplied by.
    f.before_at := timestamptz 'epoch' + split_part(cursor, '.', 1)::bigint * interval '1 microsecond';
    f.before_id := split_part(cursor, '.', 2);
  end if;
  return f;
end
$function$;

REVOKE ALL ON FUNCTION "private"."read_cursor"(private.conversation_filter, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."read_cursor"(private.conversation_filter, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."read_cursor"(private.conversation_filter, text) TO "postgres";

-- private/functions/read_filters.sql
CREATE OR REPLACE FUNCTION private.read_filters (
  workspace_id uuid,
  filters      jsonb
)
  RETURNS private.conversation_filter
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
declare
  f private.conversation_filter;
  given text;
begin
  perform private.check_filters(filters);
  f.workspace_id := read_filters.workspace_id;
  given := coalesce(filters ->> 'status', 'open');
  if given not in ('open', 'archived', 'all') then
    perform private.refuse_argument('status', 'open, archived or all');
  end if;
  f.statuses := case given when 'all' then array['open', 'archived'] else array[given] end;
  f.read_marks := case filters ->> 'unread' when 'true' then array[false] when 'false' then array[true] else array[false, true] end;

  given := filters ->> 'assignee';
  f.by_assignee := given is not null;
  if given = 'me' then
    f.assignee := (select auth.uid());
    -- Who is no user has nothing of their own, and must not be given what is nobody's.
    if f.assignee is null then
      perform private.refuse_argument('assignee', 'nobody or a user id: the backend is no user');
    end if;
  elsif given <> 'nobody' then
    f.assignee := private.filter_id('assignee', given, 'me, nobody or a user id');
  end if;
  f.states := array(
    select distinct private.inbox_state(has.assigned_to, mark.is_read, kind.status)
    from unnest(f.statuses) as kind (status) cross join unnest(f.read_marks) as mark (is_read)
    -- Somebody, whoever it is, and nobody.
    cross join unnest(array[f.workspace_id, null]) as has (assigned_to)
    where not f.by_assignee or (has.assigned_to is null) = (f.assignee is null));
  given := private.filter_id('connection_id', filters ->> 'connection_id', 'a uuid');
  -- The workspace's own, and nobody else's: the lists of the inbox hang on it.
  f.connections := array(select connection.id from public.whatsapp_connections as connection
    where connection.workspace_id = read_filters.workspace_id and (given is null or connection.id = given::uuid));

  f.page_size := private.page_size((filters ->> 'limit')::numeric);
  f := private.read_cursor(f, filters ->> 'cursor');
  -- Most pages are not searched, and reading nothing takes time, too.
  if filters ->> 'search' is not null or filters ->> 'tags' is not null then
    f.tags := private.filter_tags(nullif(filters -> 'tags', 'null'));
    f := private.read_search(f, filters ->> 'search');
  end if;
  return f;
end
$function$;

COMMENT ON FUNCTION "private"."read_filters"(uuid, jsonb) IS 'The filters of get_conversations, checked. WA024.';

REVOKE ALL ON FUNCTION "private"."read_filters"(uuid, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."read_filters"(uuid, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."read_filters"(uuid, jsonb) TO "postgres";

-- private/functions/read_search.sql
CREATE OR REPLACE FUNCTION private.read_search (
  f      private.conversation_filter,
  search text
)
  RETURNS private.conversation_filter
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
  scope text := private.search_scope(f.workspace_id);
begin
  f.search := regexp_replace(private.seen(search), '^\s+|\s+$', '', 'g');
  if char_length(f.search) not between 2 and 100 then
    perform private.refuse_argument('search', 'from 2 to 100 characters');
  end if;
  f.words := tsvector_to_array(private.words('', f.search));
  f.parts := array(select '%' || private.folded(word) || '%' from unnest(f.words) as word);
  f.contact_query := private.contact_query(f.workspace_id, f.search);
  -- Of millions of messages, two letters would begin a word in most.
  f.message_query := private.word_query(scope, f.search, 3);
  f.number := private.phone_key(private.searched_number(f.search));
  f.tag_query := (select string_agg(format('%st%s', scope, md5(tag)), ' & ') from unnest(f.tags) as tag)::tsquery;
  return f;
end
$function$;

REVOKE ALL ON FUNCTION "private"."read_search"(private.conversation_filter, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."read_search"(private.conversation_filter, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."read_search"(private.conversation_filter, text) TO "postgres";

-- private/functions/read_through.sql
CREATE OR REPLACE FUNCTION private.read_through (
  f       private.conversation_filter,
  stretch private.inbox_place[],
  most    integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      order by place.turn offset 0
    ) as walked
    cross join lateral (
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id offset 0
    ) as thread
    where (f.tags is null or private.is_tagged(thread.contact_id, f))
      and (f.search is null or private.is_found(walked.conversation_id, thread.contact_id, f))
    limit most);
end
$function$;

COMMENT ON FUNCTION "private"."read_through"(private.conversation_filter, private.inbox_place[], integer) IS 'Of a stretch of the inbox the first that a search finds by contact or by looking into all their messages.';

REVOKE ALL ON FUNCTION "private"."read_through"(private.conversation_filter, private.inbox_place[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."read_through"(private.conversation_filter, private.inbox_place[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."read_through"(private.conversation_filter, private.inbox_place[], integer) TO "postgres";

-- private/functions/received_at.sql
CREATE OR REPLACE FUNCTION private.received_at (
  event_id bigint
)
  RETURNS timestamp WITH time zone
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select coalesce((select received_at from public.webhook_events where id = received_at.event_id), now())
$function$;

GRANT EXECUTE ON FUNCTION "private"."received_at"(bigint) TO "service_role";

COMMENT ON FUNCTION "private"."received_at"(bigint) IS 'Stands in where the provider named no time that makes sense.';

REVOKE ALL ON FUNCTION "private"."received_at"(bigint) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."received_at"(bigint) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."received_at"(bigint) TO "postgres";

-- private/functions/recompute_stats.sql
CREATE OR REPLACE FUNCTION private.recompute_stats (
  conversation_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform from public.conversations where id = any (conversation_ids) order by id for no key update;
  update public.conversations as thread set
    unread_count = truth.unread_count,
    last_customer_message_at = truth.last_customer_message_at,
    window_expires_at = truth.window_expires_at,
    last_message_at = truth.last_message_at,
    last_message_seq = truth.last_message_seq,
    last_message_preview = truth.last_message_preview,
    last_message_direction = truth.last_message_direction
  from private.stats_of(conversation_ids) as truth
  where thread.id = truth.conversation_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."recompute_stats"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."recompute_stats"(uuid[]) IS 'Sets the statistics of conversations from their messages.';

REVOKE ALL ON FUNCTION "private"."recompute_stats"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."recompute_stats"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."recompute_stats"(uuid[]) TO "postgres";

-- private/functions/reconcile_messages.sql
CREATE OR REPLACE FUNCTION private.reconcile_messages (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  twice uuid[];
begin
  -- The same message may come live and out of the phone's history, which also says how far it had come.
  twice := array(
    select message.id
    from unnest(arrived) as m
    join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
    where message.imported and not m.imported
      or private.brings_file(m, message)
      or message.direction = 'outbound' and private.status_rank(m.status) > private.status_rank(message.status));
  if twice = '{}' then
    return;
  end if;
  perform from public.messages where id = any (twice) order by id for no key update;
  update public.messages as message set
    imported = message.imported and told.imported,
    status = case when private.status_rank(told.status) > private.status_rank(message.status) then told.status else message.status end
  from (
    select m.connection_id, m.wamid, bool_and(m.imported) as imported,
      (array_agg(m.status order by private.status_rank(m.status) desc))[1] as status
    from unnest(arrived) as m
    group by m.connection_id, m.wamid
  ) as told
  where message.id = any (twice) and message.connection_id = told.connection_id and message.wamid = told.wamid;
  perform private.replace_placeholders(arrived);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."reconcile_messages"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."reconcile_messages"(private.inbound_message[]) IS 'Messages that came both live and as history are live, and as far as either says.';

REVOKE ALL ON FUNCTION "private"."reconcile_messages"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."reconcile_messages"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."reconcile_messages"(private.inbound_message[]) TO "postgres";

-- private/functions/record_address.sql
CREATE OR REPLACE FUNCTION private.record_address (
  fact private.inbound_fact
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  who uuid;
begin
  if fact.details ->> 'action' = 'remove' then
    return; -- Nobody becomes a contact by being taken out, and nobody loses a name.
  end if;
  who := private.contact_meant(fact);
  -- The phone's address book names people too; a name that somebody of the workspace wrote here stays.
  update public.contacts as contact set
    name = case when contact.name is not distinct from contact.synced_name then fact.name else contact.name end,
    synced_name = fact.name,
    synced_name_at = fact.occurred_at
  where contact.id = who
    and fact.name is not null
    and (contact.synced_name_at is null or contact.synced_name_at < fact.occurred_at);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_address"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."record_address"(private.inbound_fact) IS 'The name a person has in the phone''s address book.';

REVOKE ALL ON FUNCTION "private"."record_address"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_address"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_address"(private.inbound_fact) TO "postgres";

-- private/functions/record_facts.sql
CREATE OR REPLACE FUNCTION private.record_facts (
  facts jsonb
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  told private.inbound_fact[];
  fact private.inbound_fact;
begin
  told := array(
    select row(f.event_id, f.kind, f.phone_number_id, f.waba_id, f.display_phone_number,
      coalesce(f.occurred_at, private.received_at(f.event_id)), f.wa_id, f.bsuid, f.parent_bsuid, f.new_wa_id, f.new_bsuid,
      f.new_parent_bsuid, f.template_id, f.name, f.language, coalesce(f.details, '{}'), connection.workspace_id, connection.id)::private.inbound_fact
    from jsonb_populate_recordset(null::private.inbound_fact, facts) as f
    -- What concerns people is told to each connection meant, what concerns connections goes to all of them below.
    left join lateral private.connections_meant(f) as connection on f.kind not in ('template', 'notice')
    order by f.kind, coalesce(f.occurred_at, private.received_at(f.event_id)), f.details, connection.id);
  perform private.record_identities(array(
    select f from unnest(told) as f where f.kind = 'identity' and f.connection_id is not null));
  -- Rare, and each with its own rule: one by one.
  foreach fact in array told loop
    case
      when fact.kind = 'template' then perform private.record_template(fact);
      when fact.kind = 'notice' then perform private.record_notice(fact);
      when fact.connection_id is null then null; -- No such number yet: its event is set aside.
      when fact.kind = 'preference' then perform private.record_preference(fact);
      when fact.kind = 'contact' then perform private.record_address(fact);
      else null; -- A kind of a newer receiver: the journal has it.
    end case;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_facts"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."record_facts"(jsonb) IS 'Applies what webhooks tell about people, numbers, accounts and templates.';

REVOKE ALL ON FUNCTION "private"."record_facts"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_facts"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_facts"(jsonb) TO "postgres";

-- private/functions/record_identities.sql
CREATE OR REPLACE FUNCTION private.record_identities (
  facts private.inbound_fact[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  people private.person[];
begin
  insert into private.identity_changes (connection_id, identifier, occurred_at, wa_id, bsuid)
  select distinct fact.connection_id, old.identifier, fact.occurred_at, coalesce(fact.new_wa_id, ''), coalesce(fact.new_bsuid, '')
  from unnest(facts) as fact
  cross join lateral unnest(array[fact.bsuid, fact.wa_id, private.phone_key(fact.wa_id), fact.parent_bsuid]) as old (identifier)
  where old.identifier is not null and coalesce(fact.new_wa_id, fact.new_bsuid) is not null
  on conflict do nothing;

  people := array(
    select row(fact.workspace_id, fact.connection_id, fact.phone_number_id, null, null, null, null, known.identifiers, null)::private.person
    from unnest(facts) as fact
    cross join lateral (
      select private.identifiers_of(fact.connection_id, fact.wa_id, fact.bsuid, fact.parent_bsuid, null) as identifiers
    ) as known
    -- Somebody who has never written has no thread to go on in; the change waits for them.
    where exists (
      select from private.conversation_identifiers as seen
      where seen.connection_id = fact.connection_id and seen.identifier = any (known.identifiers)));
  if people <> '{}' then
    people := private.ensure_conversations(people);
    perform private.note_sightings(people);
    perform private.ensure_contacts(people);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_identities"(private.inbound_fact[]) TO "service_role";

COMMENT ON FUNCTION "private"."record_identities"(private.inbound_fact[]) IS 'A changed number or user id goes on in the same thread, with the same contact.';

REVOKE ALL ON FUNCTION "private"."record_identities"(private.inbound_fact[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_identities"(private.inbound_fact[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_identities"(private.inbound_fact[]) TO "postgres";

-- private/functions/record_messages.sql
CREATE OR REPLACE FUNCTION private.record_messages (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  threads uuid[] := private.ensure_threads(arrived);
  prefix text := private.message_id_prefix();
  fresh integer;
  files uuid[];
begin
  with stored as (
    insert into public.messages (
      id, workspace_id, connection_id, conversation_id, wamid, wa_id, bsuid, profile_name, direction, status, imported, type, content,
      reply_to_wamid, occurred_at, sent_at, media_id, media_mime_type, media_sha256, media_filename, media_status, media_error)
    select private.message_id(prefix), m.workspace_id, m.connection_id, threads[m.ordinality], m.wamid, m.wa_id, m.bsuid, m.profile_name, m.direction,
      m.status, m.imported, m.type, m.content, m.reply_to_wamid, m.occurred_at, case when m.direction = 'outbound' then m.occurred_at end,
      m.media_id, m.media_mime_type, m.media_sha256, m.media_filename, file.status,
      case when file.status = 'failed' then private.media_error('no_media_id') end
    from unnest(arrived) with ordinality as m
    cross join lateral (select private.arrived_media_status(m.type, m.media_id) as status offset 0) as file
    order by m.ordinality
    on conflict (connection_id, wamid) do nothing
    returning id, media_id
  )
  select count(*), array_agg(id) filter (where media_id is not null) into fresh, files from stored;

  if files is not null then
    perform private.queue_media(files);
  end if;
  if fresh < cardinality(arrived) then
    perform private.reconcile_messages(arrived);
    perform private.correct_messages(arrived);
  end if;
  perform private.amend_messages(arrived);
  perform private.report_echoes(arrived);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_messages"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."record_messages"(private.inbound_message[]) IS 'Stores messages that are not stored yet, with their people, threads and files to fetch.';

REVOKE ALL ON FUNCTION "private"."record_messages"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_messages"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_messages"(private.inbound_message[]) TO "postgres";

-- private/functions/record_notice.sql
CREATE OR REPLACE FUNCTION private.record_notice (
  fact private.inbound_fact
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  update public.whatsapp_connections as connection set
    provider_notices = connection.provider_notices || jsonb_build_object(fact.name, said.notice),
    last_error = case when fact.name = 'errors' then private.error_of(fact.details -> 'errors') else connection.last_error end
  from (select jsonb_build_object('at', fact.occurred_at, 'value', fact.details) as notice) as said
  where connection.id in (select meant.id from private.connections_meant(fact) as meant)
    and (connection.provider_notices -> fact.name is null
      or (fact.occurred_at, fact.details) > (
        (connection.provider_notices #>> array[fact.name, 'at'])::timestamptz, connection.provider_notices #> array[fact.name, 'value']))
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_notice"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."record_notice"(private.inbound_fact) IS 'What WhatsApp says about a number or its account, kept on the connection: the newest of each field.';

REVOKE ALL ON FUNCTION "private"."record_notice"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_notice"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_notice"(private.inbound_fact) TO "postgres";

-- private/functions/record_onboarding.sql
CREATE OR REPLACE FUNCTION private.record_onboarding (
  workspace_id         uuid,
  user_id              uuid,
  provider             text,
  phone_number_id      text,
  waba_id              text,
  display_phone_number text,
  credential           text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
declare
  known uuid;
begin
  -- By the id alone: that two numbers show the same digits is no reason to leave one without a place.
  perform private.get_onboarding(workspace_id, user_id, phone_number_id, waba_id, null);
  -- The provider has shown whose it is: what others have only written down is nothing beside that.
  perform private.release_claims(phone_number_id, waba_id, workspace_id);
  -- The second run of the same signup, or a number that comes back: the same connection, with the newer key.
  update public.whatsapp_connections as connection
  set provider = record_onboarding.provider,
    waba_id = coalesce(record_onboarding.waba_id, connection.waba_id),
    display_phone_number = coalesce(record_onboarding.display_phone_number, connection.display_phone_number),
    status = case connection.status when 'disconnected' then 'paused' else connection.status end,
    status_reason = case connection.status when 'disconnected' then 'credential' else connection.status_reason end
  where connection.workspace_id = record_onboarding.workspace_id
    and connection.phone_number_id = record_onboarding.phone_number_id
  returning connection.id into known;
  if known is null then
    known := private.add_connection(workspace_id, provider, phone_number_id, waba_id, display_phone_number);
  end if;
  perform private.set_connection_credential(known, credential);
  return known;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_onboarding"(uuid, uuid, text, text, text, text, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."record_onboarding"(uuid, uuid, text, text, text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_onboarding"(uuid, uuid, text, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_onboarding"(uuid, uuid, text, text, text, text, text) TO "postgres";

-- private/functions/record_preference.sql
CREATE OR REPLACE FUNCTION private.record_preference (
  fact private.inbound_fact
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  -- First of all, and not in the statement below: that one does not see a contact that is only made within it.
  who uuid := private.contact_meant(fact);
begin
  update public.contacts as contact set
    marketing_opted_out_at = case when fact.details ->> 'value' = 'stop' then fact.occurred_at end,
    marketing_preference_at = fact.occurred_at
  where contact.id = who
    and coalesce(fact.details ->> 'category', 'marketing_messages') = 'marketing_messages'
    -- Of two words in one second the one that asks for silence.
    and (contact.marketing_preference_at is null or fact.occurred_at > contact.marketing_preference_at
      or fact.occurred_at = contact.marketing_preference_at and fact.details ->> 'value' = 'stop');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_preference"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."record_preference"(private.inbound_fact) IS 'Whether a person wants marketing messages.';

REVOKE ALL ON FUNCTION "private"."record_preference"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_preference"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_preference"(private.inbound_fact) TO "postgres";

-- private/functions/record_statuses.sql
CREATE OR REPLACE FUNCTION private.record_statuses (
  reports private.inbound_status[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  concerned uuid[];
  nameless boolean;
  fresh integer;
begin
  insert into public.message_statuses as known (
    workspace_id, connection_id, wamid, status, participant, occurred_at, callback_data, errors, error, details, event_id)
  select report.workspace_id, report.connection_id, report.wamid, report.status, report.participant, report.occurred_at,
    report.callback_data, report.errors, report.error, report.details, report.event_id
  from unnest(reports) as report
  -- The first of two that say the same, whichever comes first: the order of arrived_statuses.
  on conflict (connection_id, wamid, status, participant) do update set
    occurred_at = excluded.occurred_at, callback_data = excluded.callback_data, errors = excluded.errors, error = excluded.error,
    details = excluded.details, event_id = excluded.event_id
  where (excluded.occurred_at, excluded.errors is null, coalesce(excluded.errors, 'null'), excluded.details,
      excluded.callback_data is null, coalesce(excluded.callback_data, '') collate "C")
    < (known.occurred_at, known.errors is null, coalesce(known.errors, 'null'), known.details,
      known.callback_data is null, coalesce(known.callback_data, '') collate "C");
  get diagnostics fresh = row_count;
  if fresh < cardinality(reports) then
    perform private.correct_statuses(reports);
  end if;

  select array_remove(array_agg(distinct message.id), null), bool_or(message.id is null and report.callback_data is not null)
  into concerned, nameless
  from unnest(reports) as report
  left join public.messages as message on message.connection_id = report.connection_id and message.wamid = report.wamid;
  if nameless then
    -- A send whose answer was lost has no wamid: our own id, echoed by WhatsApp, tells which message it was.
    concerned := concerned || array(
      select distinct message.id
      from unnest(reports) as report
      join public.messages as message
        on message.id = private.message_of(report.callback_data) and message.connection_id = report.connection_id
      where message.direction = 'outbound');
  end if;
  if concerned = '{}' then
    return;
  end if;
  perform private.hold_messages(concerned);
  if nameless then
    update public.messages as message set wamid = report.wamid
    from unnest(reports) as report
    where message.id = any (concerned) and message.wamid is null and message.connection_id = report.connection_id
      -- The echo of an attempt before the last retry by hand says nothing about this one.
      and report.callback_data = private.callback_data(message);
  end if;
  perform private.apply_statuses(concerned);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_statuses"(private.inbound_status[]) TO "service_role";

COMMENT ON FUNCTION "private"."record_statuses"(private.inbound_status[]) IS 'Stores delivery reports and applies them to the messages we know.';

REVOKE ALL ON FUNCTION "private"."record_statuses"(private.inbound_status[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_statuses"(private.inbound_status[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_statuses"(private.inbound_status[]) TO "postgres";

-- private/functions/record_template.sql
CREATE OR REPLACE FUNCTION private.record_template (
  fact private.inbound_fact
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  insert into public.message_templates (workspace_id, connection_id, provider_template_id, name, language, status)
  select connection.workspace_id, connection.id, fact.template_id, fact.name, fact.language, 'UNKNOWN'
  from private.connections_meant(fact) as connection
  where fact.name is not null and fact.language is not null
  on conflict (workspace_id, connection_id, name, language) do nothing;

  -- Field by field: a quality that was told later does not hide a status that was told before and comes after.
  update public.message_templates as template set
    provider_template_id = coalesce(fact.template_id, template.provider_template_id),
    status = coalesce(newer.details ->> 'status', template.status),
    reason = case when newer.details ? 'status' then newer.details ->> 'reason' else template.reason end,
    category = coalesce(newer.details ->> 'category', template.category),
    quality = coalesce(newer.details ->> 'quality', template.quality),
    components = coalesce(newer.details -> 'components', template.components),
    as_of = template.as_of || newer.times
  from private.connections_meant(fact) as connection
  cross join lateral (
    select target.id, jsonb_object_agg(told.key, told.value) as details,
      jsonb_object_agg(told.key, fact.occurred_at) filter (where told.key <> 'reason') as times
    from public.message_templates as target
    cross join lateral jsonb_each(fact.details) as told
    where target.connection_id = connection.id
      and (target.name = fact.name and target.language = fact.language
        or fact.name is null and target.provider_template_id = fact.template_id)
      and told.key in ('status', 'reason', 'category', 'quality', 'components') and told.value <> 'null'
      and coalesce((target.as_of ->> case told.key when 'reason' then 'status' else told.key end)::timestamptz, '-infinity') < fact.occurred_at
    group by target.id
  ) as newer
  where template.id = newer.id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."record_template"(private.inbound_fact) TO "service_role";

COMMENT ON FUNCTION "private"."record_template"(private.inbound_fact) IS 'A template''s status, category, quality or components, as of the provider''s clock.';

REVOKE ALL ON FUNCTION "private"."record_template"(private.inbound_fact) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."record_template"(private.inbound_fact) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."record_template"(private.inbound_fact) TO "postgres";

-- private/functions/recount_conversations.sql
CREATE OR REPLACE FUNCTION private.recount_conversations()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- What all were taken from what all are: most statements change nothing that is counted, and write nothing.
  perform private.add_counts(changed.workspace_id, 0, changed.archived, changed.unread)
  from (
    select seen.workspace_id, sum(seen.sign) filter (where seen.status = 'archived') as archived,
      sum(seen.sign) filter (where seen.status = 'open' and seen.unread_count > 0) as unread
    from (
      select 1 as sign, workspace_id, status, unread_count from conversations_now
      union all select -1, workspace_id, status, unread_count from conversations_before) as seen
    group by seen.workspace_id
  ) as changed
  where changed.archived <> 0 or changed.unread <> 0;
  insert into private.window_counts (workspace_id, quarter, windows)
  select seen.workspace_id, seen.quarter, sum(seen.sign)
  from (
    select 1 as sign, workspace_id, date_bin(interval '15 minutes', window_expires_at, timestamptz 'epoch') as quarter
    from conversations_now where status = 'open' and window_expires_at > now()
    union all
    select -1, workspace_id, date_bin(interval '15 minutes', window_expires_at, timestamptz 'epoch')
    from conversations_before where status = 'open' and window_expires_at > now()) as seen
  group by seen.workspace_id, seen.quarter having sum(seen.sign) <> 0;
  -- Now and then the rows become few, by one session at a time, for which nobody waits.
  if found and random() < 0.01 and pg_try_advisory_xact_lock(hashtextextended('window_counts', 0)) then
    perform private.fold_windows((select workspace_id from conversations_now limit 1));
  end if;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."recount_conversations"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."recount_conversations"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."recount_conversations"() TO "postgres";

-- private/functions/refuse_argument.sql
CREATE OR REPLACE FUNCTION private.refuse_argument (
  field   text,
  allowed text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  raise exception '% is not allowed', field using errcode = 'WA024', detail = field, hint = allowed;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."refuse_argument"(text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."refuse_argument"(text, text) TO "service_role";

COMMENT ON FUNCTION "private"."refuse_argument"(text, text) IS 'WA024, with the field in the details and what is allowed in the hint.';

REVOKE ALL ON FUNCTION "private"."refuse_argument"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_argument"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."refuse_argument"(text, text) TO "postgres";

-- private/functions/refuse_content.sql
CREATE OR REPLACE FUNCTION private.refuse_content (
  code    text,
  field   text,
  allowed text
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  case refuse_content.code
    when 'WA010' then
      raise exception 'messages of this type cannot be sent' using errcode = 'WA010', detail = field, hint = allowed;
    when 'WA011' then
      raise exception '% is missing or empty', field using errcode = 'WA011', detail = field, hint = allowed;
    when 'WA012' then
      raise exception '% has the wrong kind', field using errcode = 'WA012', detail = field, hint = allowed;
    when 'WA013' then
      raise exception '% is too long', field using errcode = 'WA013', detail = field, hint = allowed;
    when 'WA014' then
      raise exception '% has a value that is not allowed', field using errcode = 'WA014', detail = field, hint = allowed;
    when 'WA015' then
      raise exception '% has too few or too many elements', field using errcode = 'WA015', detail = field, hint = allowed;
    when 'WA016' then
      raise exception '% excludes or repeats another field', field using errcode = 'WA016', detail = field, hint = allowed;
    when 'WA021' then
      raise exception '% names no file', field using errcode = 'WA021', detail = field, hint = allowed;
    when 'WA022' then
      raise exception '% names a file of a type that WhatsApp does not take here', field using errcode = 'WA022', detail = field, hint = allowed;
    when 'WA023' then
      raise exception '% names a file that is empty or too large', field using errcode = 'WA023', detail = field, hint = allowed;
  end case;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."refuse_content"(text, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."refuse_content"(text, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."refuse_content"(text, text, text) IS 'Raises the code. DETAIL is the field''s path in the content, HINT what is allowed there.';

REVOKE ALL ON FUNCTION "private"."refuse_content"(text, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_content"(text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."refuse_content"(text, text, text) TO "postgres";

-- private/functions/refuse_field.sql
CREATE OR REPLACE FUNCTION private.refuse_field (
  field   text,
  allowed text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  raise exception '% is not allowed', field using errcode = 'WA032', detail = field, hint = allowed;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."refuse_field"(text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."refuse_field"(text, text) TO "service_role";

COMMENT ON FUNCTION "private"."refuse_field"(text, text) IS 'Raises WA032: the field in details, what it may be in the hint.';

REVOKE ALL ON FUNCTION "private"."refuse_field"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_field"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."refuse_field"(text, text) TO "postgres";

-- private/functions/refuse_outbound.sql
CREATE OR REPLACE FUNCTION private.refuse_outbound (
  message_ids uuid[],
  verdicts    text[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  update public.messages as message set status = 'failed', failed_at = now(), error = case verdict.reason
      when 'window' then jsonb_build_object('code', 'window_closed', 'class', 'WINDOW',
        'title', 'The 24 hour window closed before the message could be sent', 'remedy', 'Send a template; the customer has not written for 24 hours.')
      else jsonb_build_object('code', 'opted_out', 'class', 'SUPPRESS',
        'title', 'The contact does not want marketing', 'remedy', 'Do not send this to this recipient.') end
  from unnest(message_ids, verdicts) as verdict (message_id, reason)
  where message.id = verdict.message_id;
  delete from public.outbox as item where item.message_id = any (message_ids);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."refuse_outbound"(uuid[], text[]) TO "service_role";

COMMENT ON FUNCTION "private"."refuse_outbound"(uuid[], text[]) IS 'Fails messages that must not be sent any more, each for its reason.';

REVOKE ALL ON FUNCTION "private"."refuse_outbound"(uuid[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_outbound"(uuid[], text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."refuse_outbound"(uuid[], text[]) TO "postgres";

-- private/functions/refuse_role.sql
CREATE OR REPLACE FUNCTION private.refuse_role()
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  raise exception 'your role in the workspace does not allow this' using errcode = 'WA034',
    hint = 'Owners may do all, admins nothing to owners, agents nothing to members.';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."refuse_role"() TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."refuse_role"() TO "service_role";

COMMENT ON FUNCTION "private"."refuse_role"() IS 'Raises WA034. For members only: a stranger is told WA004.';

REVOKE ALL ON FUNCTION "private"."refuse_role"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."refuse_role"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."refuse_role"() TO "postgres";

-- private/functions/register_identifiers.sql
CREATE OR REPLACE FUNCTION private.register_identifiers()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
  select new.connection_id, identifier, new.id
  from unnest(array[private.phone_key(new.phone), new.bsuid, 'group:' || new.group_id]) as seen (identifier)
  where identifier is not null
  on conflict do nothing;
  if exists (
    select from private.conversation_identifiers as taken
    where taken.connection_id = new.connection_id and taken.conversation_id <> new.id
      and taken.identifier in (private.phone_key(new.phone), new.bsuid, 'group:' || new.group_id)
  ) then
    raise unique_violation using message = 'this user already has a conversation with this connection';
  end if;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."register_identifiers"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."register_identifiers"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."register_identifiers"() TO "postgres";

-- private/functions/release_claims.sql
CREATE OR REPLACE FUNCTION private.release_claims (
  phone_number_id text,
  waba_id         text,
  workspace_id    uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  claim record;
  released integer := 0;
begin
  for claim in
    select connection.id, connection.phone_number_id = release_claims.phone_number_id as of_number
    from public.whatsapp_connections as connection
    where (connection.phone_number_id = release_claims.phone_number_id or connection.waba_id = release_claims.waba_id)
      and connection.workspace_id is distinct from release_claims.workspace_id and connection.verified_at is null
    order by connection.id
  loop
    if claim.of_number then
      perform private.release_number(claim.id);
    else
      -- Another number, said to be of this account: what is not so is the account.
      update public.whatsapp_connections as connection set waba_id = null where connection.id = claim.id;
    end if;
    released := released + 1;
  end loop;
  return released;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."release_claims"(text, text, uuid) TO "service_role";

COMMENT ON FUNCTION "private"."release_claims"(text, text, uuid) IS 'What members of other workspaces have only written down of a number and its account is undone; answers of how many numbers.';

REVOKE ALL ON FUNCTION "private"."release_claims"(text, text, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."release_claims"(text, text, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."release_claims"(text, text, uuid) TO "postgres";

-- private/functions/release_connection.sql
CREATE OR REPLACE FUNCTION private.release_connection (
  connection_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  before text;
begin
  select status into before from public.whatsapp_connections as connection
  where connection.id = release_connection.connection_id for no key update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  update public.whatsapp_connections as connection set status = 'disconnected', status_reason = 'operator', last_error = null
  where connection.id = release_connection.connection_id;
  delete from private.connection_credentials as stored where stored.connection_id = release_connection.connection_id;
  return before <> 'disconnected';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."release_connection"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."release_connection"(uuid) IS 'Disconnects a number and forgets its credential. WA004.';

REVOKE ALL ON FUNCTION "private"."release_connection"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."release_connection"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."release_connection"(uuid) TO "postgres";

-- private/functions/release_number.sql
CREATE OR REPLACE FUNCTION private.release_number (
  connection_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  number text;
begin
  -- Recordings of the number are waited for, as when it moves.
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  perform private.release_connection(connection_id);
  select connection.phone_number_id into number from public.whatsapp_connections as connection
  where connection.id = release_number.connection_id;
  update public.whatsapp_connections as connection
  set phone_number_id = 'released ' || connection.id, waba_id = null, former_ids = '{}'
  where connection.id = release_number.connection_id;
  return number;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."release_number"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."release_number"(uuid) IS 'Disconnects a number and gives its ids up; answers the one it had. WA004.';

REVOKE ALL ON FUNCTION "private"."release_number"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."release_number"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."release_number"(uuid) TO "postgres";

-- private/functions/remove_download_files.sql
CREATE OR REPLACE FUNCTION private.remove_download_files()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  -- Somebody may be at it, does not know yet, and stores the file: now, or a dead lease's holder that is not dead. So
  -- its place is looked at soon after the lease, and once more when no transfer can still be going on.
  perform private.queue_removal(file.object_name, file.workspace_id,
    available_at => coalesce(file.lease_expires_at, now()) + interval '1 minute',
    watch_until => coalesce(file.lease_expires_at, now()) + interval '1 hour')
  from (
    select object_name, workspace_id, lease_expires_at from removed_downloads as item
    where starts_with(object_name, workspace_id || '/')
      and not exists (select from public.messages where id = item.message_id)
    order by object_name
  ) as file
  where exists (select from public.workspaces where id = file.workspace_id and deleted_at is null);
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."remove_download_files"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_download_files"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."remove_download_files"() TO "postgres";

-- private/functions/remove_member.sql
CREATE OR REPLACE FUNCTION private.remove_member (
  workspace_id uuid,
  user_id      uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  own_role text := private.enter_workspace(remove_member.workspace_id, array['owner', 'admin', 'agent']);
  former text;
begin
  select member.role into former from public.workspace_members as member
  where member.workspace_id = remove_member.workspace_id and member.user_id = remove_member.user_id;
  if former is null then
    raise exception 'no such member' using errcode = 'WA004';
  end if;
  -- Everybody may leave.
  if remove_member.user_id is distinct from (select auth.uid())
    and (own_role = 'agent' or own_role = 'admin' and former = 'owner') then
    perform private.refuse_role();
  end if;
  delete from public.workspace_members as member
  where member.workspace_id = remove_member.workspace_id and member.user_id = remove_member.user_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."remove_member"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."remove_member"(uuid, uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."remove_member"(uuid, uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_member"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."remove_member"(uuid, uuid) TO "postgres";

-- private/functions/remove_message_files.sql
CREATE OR REPLACE FUNCTION private.remove_message_files()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  perform private.queue_removal(file.prefix, file.workspace_id)
  from (
    select private.object_stem(media_path) as prefix, workspace_id
    from removed_messages where starts_with(media_path, workspace_id || '/')
    union
    select content ->> 'path', workspace_id
    from removed_messages where direction = 'outbound' and starts_with(content ->> 'path', workspace_id || '/outgoing/')
    order by prefix
  ) as file
  where exists (select from public.workspaces where id = file.workspace_id and deleted_at is null);
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."remove_message_files"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_message_files"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."remove_message_files"() TO "postgres";

-- private/functions/remove_places.sql
CREATE OR REPLACE FUNCTION private.remove_places()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  gone record;
begin
  -- One by one, as above.
  for gone in
    select id, connection_id, sort_at, private.inbox_state(assigned_to, is_read, status) as state from old_conversations
  loop
    delete from private.inbox_places as place
    where place.connection_id = gone.connection_id and place.state = gone.state and place.sort_at = gone.sort_at
      and place.conversation_id = gone.id;
  end loop;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."remove_places"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_places"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."remove_places"() TO "postgres";

-- private/functions/remove_workspace_files.sql
CREATE OR REPLACE FUNCTION private.remove_workspace_files()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- What members and workers have begun to upload ends within a day: so long an upload's address is good.
  perform private.queue_removal(id || '/', id, available_at => now() + interval '30 seconds', watch_until => now() + interval '25 hours')
  from removed_workspaces;
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."remove_workspace_files"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."remove_workspace_files"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."remove_workspace_files"() TO "postgres";

-- private/functions/rename_contacts.sql
CREATE OR REPLACE FUNCTION private.rename_contacts (
  contact_ids uuid[],
  names       text[],
  times       timestamp with time zone[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  perform from public.contacts where id = any (contact_ids) order by id for no key update;
  -- What is said now, what the contact says, and what the messages of all its threads said last: a name that stays is
  -- not written again, so the contact alone does not know until when it was borne.
  update public.contacts as contact set profile_name = newest.profile_name, profile_name_at = newest.occurred_at
  from (
    select distinct on (said.contact_id) said.contact_id, said.profile_name, said.occurred_at
    from (
      select * from unnest(contact_ids, names, times) as told (contact_id, profile_name, occurred_at)
      union all
      select id, profile_name, profile_name_at from public.contacts where id = any (contact_ids) and profile_name is not null
      union all
      select person.id, last.profile_name, last.occurred_at
      from (select distinct id from unnest(contact_ids) as id) as renamed
      join public.contacts as person on person.id = renamed.id
      join public.conversations as thread on thread.workspace_id = person.workspace_id and thread.contact_id = person.id
      cross join lateral (
        select message.profile_name, message.occurred_at from public.messages as message
        where message.workspace_id = thread.workspace_id and message.conversation_id = thread.id and message.profile_name is not null
        order by message.occurred_at desc, message.profile_name limit 1) as last
    ) as said
    order by said.contact_id, said.occurred_at desc nulls last, said.profile_name
  ) as newest
  where contact.id = newest.contact_id
    and (contact.profile_name, contact.profile_name_at) is distinct from (newest.profile_name, newest.occurred_at);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."rename_contacts"(uuid[], text[], timestamp WITH time zone[]) TO "service_role";

COMMENT ON FUNCTION "private"."rename_contacts"(uuid[], text[], timestamp with time zone[]) IS 'A name of WhatsApp for contacts, unless a newer message says another. A name that a person of the workspace gave is another column.';

REVOKE ALL ON FUNCTION "private"."rename_contacts"(uuid[], text[], timestamp WITH time zone[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."rename_contacts"(uuid[], text[], timestamp WITH time zone[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."rename_contacts"(uuid[], text[], timestamp WITH time zone[]) TO "postgres";

-- private/functions/replace_placeholders.sql
CREATE OR REPLACE FUNCTION private.replace_placeholders (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  files uuid[];
begin
  with replaced as (
    update public.messages as message set
      type = m.type, content = m.content, reply_to_wamid = coalesce(m.reply_to_wamid, message.reply_to_wamid),
      media_id = m.media_id, media_mime_type = m.media_mime_type, media_sha256 = m.media_sha256,
      media_filename = m.media_filename, media_status = private.arrived_media_status(m.type, m.media_id),
      media_error = case when private.arrived_media_status(m.type, m.media_id) = 'failed' then private.media_error('no_media_id') end
    from unnest(arrived) as m
    where message.connection_id = m.connection_id and message.wamid = m.wamid and private.brings_file(m, message)
    returning message.id, message.media_id
  )
  select array_agg(id) filter (where media_id is not null) into files from replaced;
  if files is not null then
    perform private.queue_media(files);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."replace_placeholders"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."replace_placeholders"(private.inbound_message[]) IS 'The history of a phone tells of a file first and brings it later, under the same id: the file takes the place.';

REVOKE ALL ON FUNCTION "private"."replace_placeholders"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."replace_placeholders"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."replace_placeholders"(private.inbound_message[]) TO "postgres";

-- private/functions/report_echoes.sql
CREATE OR REPLACE FUNCTION private.report_echoes (
  arrived private.inbound_message[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  echoes uuid[] := array(
    select message.id
    from unnest(arrived) as m
    join public.messages as message on message.connection_id = m.connection_id and message.wamid = m.wamid
    where m.direction = 'outbound');
begin
  if echoes <> '{}' then
    perform private.hold_messages(echoes);
    perform private.apply_statuses(echoes);
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."report_echoes"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."report_echoes"(private.inbound_message[]) IS 'Delivery reports may have come before what they speak of: an echo of the phone''s app, or its history.';

REVOKE ALL ON FUNCTION "private"."report_echoes"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."report_echoes"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."report_echoes"(private.inbound_message[]) TO "postgres";

-- private/functions/reserve_former_ids.sql
CREATE OR REPLACE FUNCTION private.reserve_former_ids()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- After the row: whoever waited for the same id at the unique index sees what came before.
  if exists (
    select from public.whatsapp_connections as other
    where other.former_ids @> array[new.phone_number_id] and other.id <> new.id) then
    raise exception 'the number cannot be connected here' using errcode = 'WA035', detail = 'phone_number_id',
      hint = 'What still comes under a former id belongs to the number that had it.';
  end if;
  return null;
end
$function$;

COMMENT ON FUNCTION "private"."reserve_former_ids"() IS 'Nobody gets another''s late messages by connecting the id that its number has left. WA035.';

REVOKE ALL ON FUNCTION "private"."reserve_former_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."reserve_former_ids"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."reserve_former_ids"() TO "postgres";

-- private/functions/retry_media.sql
CREATE OR REPLACE FUNCTION private.retry_media (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  wanted public.messages;
begin
  select * into wanted from public.messages as message
  where message.id = retry_media.message_id
    and (private.is_backend() or message.workspace_id in (select private.user_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such message' using errcode = 'WA004';
  end if;
  if wanted.media_id is null then
    raise exception 'the message has no file to ask for' using errcode = 'WA020',
      hint = 'WhatsApp gave no id for a file with it. Ask the customer to send it again.';
  end if;
  -- It would be fetched and removed again in some minutes.
  if wanted.media_error ->> 'code' = 'retention' then
    raise exception 'the file was removed by its age' using errcode = 'WA020',
      hint = 'workspaces.media_retention_days says how long files are kept.';
  end if;
  if wanted.media_status is null or wanted.media_status not in ('failed', 'expired', 'corrupt') then
    raise exception 'the file of the message has not failed' using errcode = 'WA008',
      hint = 'Only a failed, expired or corrupt file can be asked for again.', detail = coalesce(wanted.media_status, 'none');
  end if;
  update public.messages as message set media_status = 'pending', media_error = null where message.id = wanted.id;
  perform private.queue_media(array[wanted.id], interval '1 hour');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."retry_media"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."retry_media"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."retry_media"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."retry_media"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."retry_media"(uuid) TO "postgres";

-- private/functions/retry_message.sql
CREATE OR REPLACE FUNCTION private.retry_message (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  wanted public.messages := private.held_message(message_id);
begin
  select * into wanted from public.messages as message where message.id = wanted.id for no key update;
  if wanted.status not in ('failed', 'canceled') then
    raise exception 'the message has not failed' using errcode = 'WA008',
      hint = 'Only a failed or canceled message can be sent again.', detail = wanted.status;
  end if;
  if wanted.conversation_id is null then
    raise exception 'its conversation is gone' using errcode = 'WA004';
  end if;
  if wanted.type <> 'template' then
    perform private.need_open_window(thread) from public.conversations as thread where thread.id = wanted.conversation_id;
  end if;
  update public.messages as message set
    status = 'queued',
    previous_attempts = coalesce(message.previous_attempts, '[]') || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'status', message.status, 'wamid', message.wamid, 'error', message.error, 'sent_at', message.sent_at, 'failed_at', message.failed_at))),
    wamid = null, error = null, sent_at = null, failed_at = null, send_after = null
  where message.id = wanted.id;
  -- Whatever WhatsApp made of its files: they are uploaded anew.
  delete from private.uploaded_media as known
  where known.connection_id = wanted.connection_id
    and known.path in (select named.path #>> '{}' from jsonb_path_query(wanted.content, 'strict $.**.path') as named (path));
  perform private.enqueue_messages(array[wanted.id]);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."retry_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."retry_message"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."retry_message"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."retry_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."retry_message"(uuid) TO "postgres";

-- private/functions/ring_worker.sql
CREATE OR REPLACE FUNCTION private.ring_worker()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- One row stands for all: it shows that the bell rings, see ring_doorbell.
  perform realtime.send(jsonb_build_object('message_id', queued.message_id), tg_table_name, 'wabase:worker', true)
  from (select each.message_id from queued_rows as each limit 1) as queued;
  return null;
end
$function$;

COMMENT ON FUNCTION "private"."ring_worker"() IS 'Tells the private topic wabase:worker that rows have entered a queue, whose name is the event: {message_id}. Only the service role may listen.';

REVOKE ALL ON FUNCTION "private"."ring_worker"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."ring_worker"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."ring_worker"() TO "postgres";

-- private/functions/route_waiting.sql
CREATE OR REPLACE FUNCTION private.route_waiting()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  perform public.release_inbound(array(
    select id from public.webhook_events
    -- Failed ones too: another item of the same body may have been bad.
    where state in ('unrouted', 'failed') and missing && array[new.phone_number_id, new.waba_id]));
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."route_waiting"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."route_waiting"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."route_waiting"() TO "postgres";

-- private/functions/schema_release.sql
CREATE OR REPLACE FUNCTION private.schema_release()
  RETURNS jsonb
  LANGUAGE sql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
  -- A migration that the release before cannot live with replaces this function and raises least_code.
  select '{"schema": "0.1.0", "least_code": "0.1.0"}'::jsonb
$function$;

COMMENT ON FUNCTION "private"."schema_release"() IS 'The release that this schema is of, and the oldest release of webhook, worker and command that works on it.';

REVOKE ALL ON FUNCTION "private"."schema_release"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."schema_release"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."schema_release"() TO "postgres";

-- private/functions/search_scope.sql
CREATE OR REPLACE FUNCTION private.search_scope (
  workspace_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  -- Two workspaces that share these digits read each other's entries, never each other's rows.
  return left(workspace_id::text, 8);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."search_scope"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."search_scope"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."search_scope"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."search_scope"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."search_scope"(uuid) TO "postgres";

-- private/functions/searched_number.sql
CREATE OR REPLACE FUNCTION private.searched_number (
  search text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
  -- Whoever copies a number copies its dashes and spaces, too; and digits have other shapes elsewhere.
  written text := translate(search, '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹＋', '01234567890123456789+');
begin
  if written ~ e'^(tel:)?[-0-9+() ./\u00a0\u2007\u202f\u2010-\u2015\u2212]*$' then
    -- 00 or 0 or (0) in front of it are no part of a number.
    return ltrim(regexp_replace(written, '\(0\)|[^0-9]', '', 'g'), '0');
  end if;
  return null;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."searched_number"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."searched_number"(text) TO "service_role";

COMMENT ON FUNCTION "private"."searched_number"(text) IS 'The digits of a search that is a phone number or a part of one; null: it is none.';

REVOKE ALL ON FUNCTION "private"."searched_number"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."searched_number"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."searched_number"(text) TO "postgres";

-- private/functions/searched_types.sql
CREATE OR REPLACE FUNCTION private.searched_types()
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return array['text', 'button', 'template', 'location', 'contacts', 'interactive', 'order', 'image', 'video', 'document'];
end
$function$;

COMMENT ON FUNCTION "private"."searched_types"() IS 'The types of messages that have words. The index names them itself: its condition holds no function.';

REVOKE ALL ON FUNCTION "private"."searched_types"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."searched_types"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."searched_types"() TO "postgres";

-- private/functions/seen_in.sql
CREATE OR REPLACE FUNCTION private.seen_in (
  arrived   private.inbound_message[],
  threads   uuid[],
  newcomers private.person[]
)
  RETURNS private.person[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return array(
    select row(m.workspace_id, m.connection_id, m.phone_number_id, m.wa_id, m.bsuid, m.group_id, m.occurred_at, null::text[],
      threads[m.ordinality])::private.person
    from unnest(arrived) with ordinality as m
    where threads[m.ordinality] in (select p.conversation_id from unnest(newcomers) as p));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."seen_in"(private.inbound_message[], uuid[], private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."seen_in"(private.inbound_message[], uuid[], private.person[]) IS 'Who was seen in the threads of newcomers, and when: by every message of the batch.';

REVOKE ALL ON FUNCTION "private"."seen_in"(private.inbound_message[], uuid[], private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."seen_in"(private.inbound_message[], uuid[], private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."seen_in"(private.inbound_message[], uuid[], private.person[]) TO "postgres";

-- private/functions/seen.sql
CREATE OR REPLACE FUNCTION private.seen (
  written text
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  -- Marks of direction, joiners and soft hyphens are typed or copied along and not seen: the parser takes them for letters.
  return translate(written, e'\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff', '');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."seen"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."seen"(text) TO "service_role";

COMMENT ON FUNCTION "private"."seen"(text) IS 'A text without the characters that nobody sees.';

REVOKE ALL ON FUNCTION "private"."seen"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."seen"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."seen"(text) TO "postgres";

-- private/functions/send_typing.sql
CREATE OR REPLACE FUNCTION private.send_typing (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  perform private.queue_receipt(private.visible_conversation(conversation_id), 'typing');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."send_typing"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."send_typing"(uuid) TO "service_role";

REVOKE ALL ON FUNCTION "private"."send_typing"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."send_typing"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."send_typing"(uuid) TO "postgres";

-- private/functions/sendable_bytes.sql
CREATE OR REPLACE FUNCTION private.sendable_bytes (
  kind text
)
  RETURNS bigint
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return case kind when 'sticker' then 500 when 'image' then 5 * 1024 when 'document' then 100 * 1024 else 16 * 1024 end * 1024::bigint;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."sendable_bytes"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."sendable_bytes"(text) TO "service_role";

COMMENT ON FUNCTION "private"."sendable_bytes"(text) IS 'The largest file of a kind that WhatsApp takes.';

REVOKE ALL ON FUNCTION "private"."sendable_bytes"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."sendable_bytes"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."sendable_bytes"(text) TO "postgres";

-- private/functions/sendable_types.sql
CREATE OR REPLACE FUNCTION private.sendable_types (
  kind text
)
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return case kind
    when 'image' then '{image/jpeg,image/png}'::text[]
    when 'video' then '{video/mp4,video/3gpp}'::text[]
    when 'audio' then '{audio/aac,audio/amr,audio/mpeg,audio/mp4,audio/ogg; codecs=opus}'::text[]
    when 'sticker' then '{image/webp}'::text[]
    else '{text/plain,application/pdf,application/msword,application/vnd.ms-excel,application/vnd.ms-powerpoint}'::text[]
      || '{application/vnd.openxmlformats-officedocument.wordprocessingml.document}'::text[]
      || '{application/vnd.openxmlformats-officedocument.spreadsheetml.sheet}'::text[]
      || '{application/vnd.openxmlformats-officedocument.presentationml.presentation}'::text[]
      || private.sendable_types('image') || private.sendable_types('video')
      || private.sendable_types('audio') || private.sendable_types('sticker')
  end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."sendable_types"(text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."sendable_types"(text) TO "service_role";

COMMENT ON FUNCTION "private"."sendable_types"(text) IS 'The content types that WhatsApp takes of a kind of file.';

REVOKE ALL ON FUNCTION "private"."sendable_types"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."sendable_types"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."sendable_types"(text) TO "postgres";

-- private/functions/senders_of.sql
CREATE OR REPLACE FUNCTION private.senders_of (
  arrived private.inbound_message[],
  threads uuid[]
)
  RETURNS private.person[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return array(
    select row(m.workspace_id, m.connection_id, min(m.phone_number_id), m.wa_id, m.bsuid, m.group_id, max(m.occurred_at),
      private.identifiers_of(m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id), null::uuid)::private.person
    from unnest(arrived) with ordinality as m
    where threads[m.ordinality] is null
    group by m.workspace_id, m.connection_id, m.wa_id, m.bsuid, m.parent_bsuid, m.group_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."senders_of"(private.inbound_message[], uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."senders_of"(private.inbound_message[], uuid[]) IS 'The people of messages without a thread, each once, with everything they are known by.';

REVOKE ALL ON FUNCTION "private"."senders_of"(private.inbound_message[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."senders_of"(private.inbound_message[], uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."senders_of"(private.inbound_message[], uuid[]) TO "postgres";

-- private/functions/sent_type.sql
CREATE OR REPLACE FUNCTION private.sent_type (
  path  text,
  told  text,
  voice boolean
)
  RETURNS text
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  bare text := lower(btrim(split_part(told, ';', 1)));
  parameters text := lower(substr(told, length(split_part(told, ';', 1)) + 1));
  extension text := lower(coalesce(substring(path from '[^/\\](\.[^./\\]+)$'), ''));
begin
  if bare in ('', 'application/octet-stream', 'binary/octet-stream') then
    bare := case
      when voice or extension = '.opus' then 'audio/opus'
      when extension = '.aac' then 'audio/aac'
      when extension = '.amr' then 'audio/amr'
      when extension in ('.mp3', '.mpga') then 'audio/mpeg'
      when extension = '.m4a' then 'audio/mp4'
      when extension in ('.ogg', '.oga') then 'audio/opus'
      when extension in ('.jpg', '.jpeg') then 'image/jpeg'
      when extension = '.png' then 'image/png'
      when extension = '.webp' then 'image/webp'
      when extension = '.mp4' then 'video/mp4'
      when extension in ('.3gp', '.3gpp') then 'video/3gpp'
      when extension = '.txt' then 'text/plain'
      when extension = '.pdf' then 'application/pdf'
      when extension = '.doc' then 'application/msword'
      when extension = '.xls' then 'application/vnd.ms-excel'
      when extension = '.ppt' then 'application/vnd.ms-powerpoint'
      when extension = '.docx' then 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
      when extension = '.xlsx' then 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
      when extension = '.pptx' then 'application/vnd.openxmlformats-officedocument.presentationml.presentation'
      else coalesce(nullif(bare, ''), 'application/octet-stream') end;
  end if;
  return case
    when bare in ('audio/ogg', 'application/ogg') and parameters like '%codecs%' and parameters not like '%opus%' then bare
    when bare in ('audio/ogg', 'audio/opus', 'application/ogg') then 'audio/ogg; codecs=opus'
    when bare = 'audio/mp3' then 'audio/mpeg'
    when bare in ('audio/m4a', 'audio/x-m4a') then 'audio/mp4'
    when bare = 'image/jpg' then 'image/jpeg'
    else bare end;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."sent_type"(text, text, boolean) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."sent_type"(text, text, boolean) TO "service_role";

COMMENT ON FUNCTION "private"."sent_type"(text, text, boolean) IS 'The content type under which the worker gives a file to WhatsApp: whatsapp/upload.py says the same, and a test compares.';

REVOKE ALL ON FUNCTION "private"."sent_type"(text, text, boolean) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."sent_type"(text, text, boolean) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."sent_type"(text, text, boolean) TO "postgres";

-- private/functions/set_connection_credential.sql
CREATE OR REPLACE FUNCTION private.set_connection_credential (
  connection_id uuid,
  credential    text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  known uuid;
begin
  perform from public.whatsapp_connections as connection
  where connection.id = set_connection_credential.connection_id
    and (private.is_backend() or connection.workspace_id in (select private.user_managed_workspace_ids()))
  for no key update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  -- It goes into a header: a line break that came along when it was copied would end that.
  credential := btrim(credential, E' \t\r\n');
  if credential is null or credential !~ '^[ -~]+$' or char_length(credential) > 4096 then
    raise exception 'the credential is no key' using errcode = 'WA006', detail = 'credential',
      hint = 'The 360dialog API key or Meta''s access token: 1 to 4096 characters, ASCII, one line.';
  end if;
  select secret_id into known from private.connection_credentials as stored
  where stored.connection_id = set_connection_credential.connection_id;
  if known is null then
    insert into private.connection_credentials (connection_id, secret_id)
    values (connection_id, vault.create_secret(credential, 'whatsapp_connection_' || connection_id));
  else
    perform vault.update_secret(known, credential);
    update private.connection_credentials set updated_at = now() where secret_id = known;
  end if;
  -- The backend stores no key without having asked the provider whose it is.
  update public.whatsapp_connections as connection set verified_at = now()
  where connection.id = set_connection_credential.connection_id and connection.verified_at is null and private.is_backend();
  update public.whatsapp_connections as connection set status = 'active', status_reason = null
  where connection.id = set_connection_credential.connection_id
    and connection.status = 'paused' and connection.status_reason = 'credential';
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."set_connection_credential"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."set_connection_credential"(uuid, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."set_connection_credential"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."set_connection_credential"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."set_connection_credential"(uuid, text) TO "postgres";

-- private/functions/set_connection_paused.sql
CREATE OR REPLACE FUNCTION private.set_connection_paused (
  connection_id uuid,
  reason        text
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  if char_length(reason) > 200 then
    perform private.refuse_field('reason', 'at most 200 characters');
  end if;
  update public.whatsapp_connections as connection set
    status = case when reason is null then 'active' else 'paused' end,
    status_reason = reason,
    last_error = case when reason is null then null else connection.last_error end
  where connection.id = set_connection_paused.connection_id and connection.status <> 'disconnected'
    and (private.is_backend() or connection.workspace_id in (select private.user_managed_workspace_ids()));
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."set_connection_paused"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."set_connection_paused"(uuid, text) TO "service_role";

REVOKE ALL ON FUNCTION "private"."set_connection_paused"(uuid, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."set_connection_paused"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."set_connection_paused"(uuid, text) TO "postgres";

-- private/functions/set_heads.sql
CREATE OR REPLACE FUNCTION private.set_heads (
  conversation_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  perform private.lock_pairs(conversation_ids);
  -- Whoever is no longer the head steps back before another steps forward: there is never more than one.
  update public.outbox as item set ready_at = null
  where item.conversation_id = any (conversation_ids) and item.ready_at is not null
    and (item.lease_token is not null or item.uncertain_since is not null
      or item.message_id <> (
        select head.message_id from public.outbox as head
        where head.conversation_id = item.conversation_id and head.uncertain_since is null
        order by head.line_at, head.seq limit 1));
  update public.outbox as item set ready_at = head.ready_at, beside = false
  from (
    select first.message_id,
      -- What is uncertain holds its followers for a minute.
      greatest(first.line_at, first.available_at, private.pair_ready_at(pair), (
        select max(lost.uncertain_since) + interval '1 minute' from public.outbox as lost
        where lost.conversation_id = pair.conversation_id and lost.uncertain_since is not null)) as ready_at
    from unnest(conversation_ids) as concerned (id)
    join private.outbound_pairs as pair on pair.conversation_id = concerned.id
    cross join lateral (
      select * from public.outbox as one
      where one.conversation_id = concerned.id and one.uncertain_since is null
      order by one.line_at, one.seq limit 1) as first
    where not exists (
      select from public.outbox as flying where flying.conversation_id = concerned.id and flying.lease_token is not null)
  ) as head
  where item.message_id = head.message_id and item.ready_at is distinct from head.ready_at
    -- Asked of the row itself: a claim that commits while this waits for the row is not seen above. In one condition: of a
    -- queue never analysed with rows in it, two "is null" are believed to leave none, and all of it was read first.
    and num_nonnulls(item.lease_token, item.uncertain_since) = 0;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."set_heads"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."set_heads"(uuid[]) IS 'Whoever is first of a conversation may go, at its time and not before the pair''s; nobody while one is being sent. Running it again changes nothing.';

REVOKE ALL ON FUNCTION "private"."set_heads"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."set_heads"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."set_heads"(uuid[]) TO "postgres";

-- private/functions/settle_outbound.sql
CREATE OR REPLACE FUNCTION private.settle_outbound (
  message_ids uuid[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  settled public.outbox[] := array(
    select item from public.outbox as item
    where item.message_id = any (message_ids)
      and exists (select from public.messages as message where message.id = item.message_id and private.status_rank(message.status) > 0)
    order by item.message_id for update of item);
begin
  if settled <> '{}' then
    -- A report may be quicker than the answer; whoever records that will find nothing to count. Before they leave: the
    -- next of each conversation steps forward by what its pair owes then.
    perform private.pace_unanswered(settled, 'done');
    delete from public.outbox as item using unnest(settled) as gone where item.message_id = gone.message_id;
  end if;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."settle_outbound"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."settle_outbound"(uuid[]) IS 'Takes messages that WhatsApp has reported on out of the outbox.';

REVOKE ALL ON FUNCTION "private"."settle_outbound"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."settle_outbound"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."settle_outbound"(uuid[]) TO "postgres";

-- private/functions/stats_of.sql
CREATE OR REPLACE FUNCTION private.stats_of (
  conversation_ids uuid[]
)
  RETURNS TABLE (
    conversation_id          uuid,
    unread_count             integer,
    last_customer_message_at timestamp with time zone,
    window_expires_at        timestamp with time zone,
    last_message_at          timestamp with time zone,
    last_message_seq         bigint,
    last_message_preview     text,
    last_message_direction   text
  )
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select thread.id,
    count(message.id) filter (
      where message.direction = 'inbound' and not message.imported and message.seq > thread.read_through)::integer,
    max(message.occurred_at) filter (where message.direction = 'inbound'),
    max(message.occurred_at) filter (where message.direction = 'inbound') + interval '24 hours',
    max(message.occurred_at),
    (array_agg(message.seq order by message.occurred_at desc, message.seq desc))[1],
    (array_agg(private.message_preview(message.type, message.content, message.revoked_at is not null)
      order by message.occurred_at desc, message.seq desc)
      filter (where message.id is not null))[1],
    (array_agg(message.direction order by message.occurred_at desc, message.seq desc))[1]
  from public.conversations as thread
  left join public.messages as message
    on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
    and private.is_conversational(message.type)
  where thread.id = any (conversation_ids)
  group by thread.id
$function$;

GRANT EXECUTE ON FUNCTION "private"."stats_of"(uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."stats_of"(uuid[]) IS 'The statistics as the messages give them: what the columns of conversations must always equal.';

REVOKE ALL ON FUNCTION "private"."stats_of"(uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."stats_of"(uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."stats_of"(uuid[]) TO "postgres";

-- private/functions/status_rank.sql
CREATE OR REPLACE FUNCTION private.status_rank (
  status text
)
  RETURNS integer
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
  -- failed stands between sent and delivered: it ends a message that was accepted, never one that has arrived.
  select coalesce(array_position('{sent,failed,delivered,read,played}', status_rank.status), 0)
$function$;

GRANT EXECUTE ON FUNCTION "private"."status_rank"(text) TO "service_role";

COMMENT ON FUNCTION "private"."status_rank"(text) IS 'Statuses move up this ladder only. 0: not yet accepted, or a status that says nothing about delivery.';

REVOKE ALL ON FUNCTION "private"."status_rank"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."status_rank"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."status_rank"(text) TO "postgres";

-- private/functions/subtract_from_stats.sql
CREATE OR REPLACE FUNCTION private.subtract_from_stats()
  RETURNS TRIGGER
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  -- Of a workspace that is on its way out nobody reads them.
  perform private.recompute_stats(array(
    select distinct removed.conversation_id
    from removed_messages as removed join public.workspaces as tenant on tenant.id = removed.workspace_id
    where removed.conversation_id is not null and tenant.deleted_at is null));
  return null;
end
$function$;

REVOKE ALL ON FUNCTION "private"."subtract_from_stats"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."subtract_from_stats"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."subtract_from_stats"() TO "postgres";

-- private/functions/suppress_contacts.sql
CREATE OR REPLACE FUNCTION private.suppress_contacts (
  results private.send_result[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  update public.contacts as contact set marketing_opted_out_at = coalesce(contact.marketing_opted_out_at, now())
  from unnest(results) as result
  join public.conversations as thread on thread.id = result.conversation_id
  where result.outcome = 'suppress' and contact.workspace_id = thread.workspace_id and contact.id = thread.contact_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."suppress_contacts"(private.send_result[]) TO "service_role";

COMMENT ON FUNCTION "private"."suppress_contacts"(private.send_result[]) IS 'WhatsApp says that a customer wants no marketing: so does the contact from now on.';

REVOKE ALL ON FUNCTION "private"."suppress_contacts"(private.send_result[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."suppress_contacts"(private.send_result[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."suppress_contacts"(private.send_result[]) TO "postgres";

-- private/functions/sweep_workspace.sql
CREATE OR REPLACE FUNCTION private.sweep_workspace (
  workspace_id uuid,
  max_rows     integer
)
  RETURNS integer
  LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
declare
  swept integer := 0;
  gone integer;
  statement text;
begin
  -- The queues' rows before the messages, as everybody locks them.
  foreach statement in array array[
    'delete from public.outbox where message_id in (
       select message_id from public.outbox where workspace_id = $1 limit $2)',
    'delete from public.media_downloads where message_id in (
       select message_id from public.media_downloads where workspace_id = $1 limit $2)',
    'delete from public.messages where id in (select id from public.messages where workspace_id = $1 limit $2)',
    'delete from public.message_statuses as report
     where (report.connection_id, report.wamid, report.status, report.participant) in (
       select own.connection_id, own.wamid, own.status, own.participant
       from public.whatsapp_connections as connection
       join public.message_statuses as own on own.connection_id = connection.id
       where connection.workspace_id = $1 limit $2)',
    'delete from public.conversations where id in (select id from public.conversations where workspace_id = $1 limit $2)',
    'delete from public.contacts where id in (select id from public.contacts where workspace_id = $1 limit $2)']
  loop
    execute statement using workspace_id, max_rows - swept;
    get diagnostics gone = row_count;
    swept := swept + gone;
  end loop;
  -- A set that is not full was the last one; the rest goes along, the files with it.
  if swept < max_rows then
    delete from public.workspaces as tenant where tenant.id = workspace_id;
    delete from private.conversation_counts as counts where counts.workspace_id = sweep_workspace.workspace_id;
    return swept + 1;
  end if;
  return swept;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."sweep_workspace"(uuid, integer) TO "service_role";

COMMENT ON FUNCTION "private"."sweep_workspace"(uuid, integer) IS 'Deletes at most so many rows of a workspace, and itself with the last of them; answers how many.';

REVOKE ALL ON FUNCTION "private"."sweep_workspace"(uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."sweep_workspace"(uuid, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."sweep_workspace"(uuid, integer) TO "postgres";

-- private/functions/take_media.sql
CREATE OR REPLACE FUNCTION private.take_media (
  max_files integer,
  shares    jsonb
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  -- The clock's and not the transaction's: a claim may have waited for its turn.
  instant timestamptz := clock_timestamp();
  taken uuid[];
begin
  taken := array(
    select item.message_id from private.media_due(max_files, instant, shares) as due (message_id)
    join public.media_downloads as item on item.message_id = due.message_id
    for update of item skip locked);
  if taken <> '{}' then
    update public.media_downloads as item set available_at = null where item.message_id = any (taken);
  end if;
  -- A claim waits for nobody: whoever deletes a message holds it and comes for its place in the queue.
  taken := array(
    select item.message_id
    from private.media_candidates(max_files, instant, shares) as candidate (message_id)
    join public.media_downloads as item on item.message_id = candidate.message_id and item.lease_token is null
    join public.messages as message on message.id = item.message_id
    for update of item skip locked for no key update of message skip locked);
  insert into private.media_turns as turn (workspace_id, connection_id, claimed_at)
  select distinct item.workspace_id, item.connection_id, instant
  from unnest(taken) as one (id) join public.media_downloads as item on item.message_id = one.id
  on conflict on constraint media_turns_pkey do update set claimed_at = excluded.claimed_at;
  return taken;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."take_media"(integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."take_media"(integer, jsonb) IS 'Locks the files that are to be fetched next, with their messages, and notes whose turn it was.';

REVOKE ALL ON FUNCTION "private"."take_media"(integer, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."take_media"(integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."take_media"(integer, jsonb) TO "postgres";

-- private/functions/take_turns.sql
CREATE OR REPLACE FUNCTION private.take_turns (
  numbers text[],
  wabas   text[]
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  AS $function$
begin
  perform pg_advisory_xact_lock(private.turn_of(number.id))
  from (
    select id from public.whatsapp_connections where phone_number_id = any (numbers)
    union select id from public.whatsapp_connections where former_ids && numbers
    union select id from public.whatsapp_connections where waba_id = any (wabas)
    order by id
  ) as number;
  -- Nor is one taken away meanwhile: what comes then would find nobody, and wait for nobody.
  perform from public.whatsapp_connections where phone_number_id = any (numbers) order by id for key share;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."take_turns"(text[], text[]) TO "service_role";

COMMENT ON FUNCTION "private"."take_turns"(text[], text[]) IS 'Waits until nobody else records, moves or removes the numbers that are named, by a present or a former id, or by their WABA.';

REVOKE ALL ON FUNCTION "private"."take_turns"(text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."take_turns"(text[], text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."take_turns"(text[], text[]) TO "postgres";

-- private/functions/tells_of_number.sql
CREATE OR REPLACE FUNCTION private.tells_of_number (
  error jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  return coalesce(error ->> 'class' in ('PAUSE', 'AUTH'), false);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."tells_of_number"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."tells_of_number"(jsonb) IS 'Whether an error of a send says that its number cannot send at all, which may be told in a report alone.';

REVOKE ALL ON FUNCTION "private"."tells_of_number"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tells_of_number"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."tells_of_number"(jsonb) TO "postgres";

-- private/functions/tells_of_templates.sql
CREATE OR REPLACE FUNCTION private.tells_of_templates (
  error jsonb
)
  RETURNS boolean
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
begin
  -- Another number of parameters, no such template or language, another format, paused: ours is not what WhatsApp has.
  return coalesce(error ->> 'code' in ('132000', '132001', '132012', '132015'), false);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."tells_of_templates"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."tells_of_templates"(jsonb) IS 'Whether an error of a send says that what is known here of templates is old.';

REVOKE ALL ON FUNCTION "private"."tells_of_templates"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."tells_of_templates"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."tells_of_templates"(jsonb) TO "postgres";

-- private/functions/threads_at_home.sql
CREATE OR REPLACE FUNCTION private.threads_at_home (
  arrived private.inbound_message[]
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select home.id
    from unnest(arrived) with ordinality as m
    left join lateral (
      select thread.id
      from private.conversation_identifiers as known
      -- By the index that the foreign key of the message looks into later: one cold page less than by id alone.
      join public.conversations as thread on thread.workspace_id = m.workspace_id and thread.id = known.conversation_id
      where known.connection_id = m.connection_id and known.identifier = coalesce(m.bsuid, m.wa_id, m.parent_bsuid)
        and m.group_id is null and thread.contact_id is not null
        and (m.wa_id is null or m.wa_id = thread.phone) and (m.bsuid is null or m.bsuid = thread.bsuid)
        and (m.parent_bsuid is null or exists (
          select from private.conversation_identifiers as also
          where also.connection_id = m.connection_id and also.identifier = m.parent_bsuid and also.conversation_id = thread.id))
    ) as home on true
    order by m.ordinality);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."threads_at_home"(private.inbound_message[]) TO "service_role";

COMMENT ON FUNCTION "private"."threads_at_home"(private.inbound_message[]) IS 'The thread of each message, in order, where nothing new is said about its person: nearly all, nearly always. Null for the others.';

REVOKE ALL ON FUNCTION "private"."threads_at_home"(private.inbound_message[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."threads_at_home"(private.inbound_message[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."threads_at_home"(private.inbound_message[]) TO "postgres";

-- private/functions/threads_found.sql
CREATE OR REPLACE FUNCTION private.threads_found (
  arrived private.inbound_message[],
  threads uuid[]
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select coalesce((
      -- A merge among the newcomers may have moved somebody who was at home.
      select thread.id from public.conversations as thread where thread.id = threads[m.ordinality]), (
      select known.conversation_id
      from unnest(case when m.group_id is not null then array['group:' || m.group_id]
        else array[m.bsuid, m.wa_id, m.parent_bsuid] end) with ordinality as seen (identifier, place)
      join private.conversation_identifiers as known
        on known.connection_id = m.connection_id and known.identifier = seen.identifier
      order by seen.place limit 1))
    from unnest(arrived) with ordinality as m
    order by m.ordinality);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."threads_found"(private.inbound_message[], uuid[]) TO "service_role";

COMMENT ON FUNCTION "private"."threads_found"(private.inbound_message[], uuid[]) IS 'The thread of each message, in order, once all of their people are registered: the one that it has, while it is there.';

REVOKE ALL ON FUNCTION "private"."threads_found"(private.inbound_message[], uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."threads_found"(private.inbound_message[], uuid[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."threads_found"(private.inbound_message[], uuid[]) TO "postgres";

-- private/functions/threads_of_messages.sql
CREATE OR REPLACE FUNCTION private.threads_of_messages (
  f    private.conversation_filter,
  most integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_custom_plan'
  SET enable_seqscan TO 'off'
  AS $function$
declare
  found uuid[];
begin
  if f.message_query is null then
    return '{}';
  elsif most is not null and private.is_frequent(f, most) then
    return null;
  end if;
  -- The scope in each word stands for the workspace: asked for by its key, too, millions would be read one by one.
  found := array(
    select message.conversation_id from public.messages as message
    where private.message_words(message.workspace_id, message.type, message.content) @@ f.message_query
      and message.type in ('text', 'button', 'template', 'location', 'contacts', 'interactive', 'order', 'image', 'video', 'document')
    limit most + 1);
  return case when coalesce(cardinality(found) <= most, true) then array(select distinct id from unnest(found) as id) end;
end
$function$;

COMMENT ON FUNCTION "private"."threads_of_messages"(private.conversation_filter, integer) IS 'The threads of the messages found by their words. Null: more messages than `most`, which may be null.';

REVOKE ALL ON FUNCTION "private"."threads_of_messages"(private.conversation_filter, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."threads_of_messages"(private.conversation_filter, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."threads_of_messages"(private.conversation_filter, integer) TO "postgres";

-- private/functions/told_of.sql
CREATE OR REPLACE FUNCTION private.told_of (
  thread public.conversations
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select jsonb_build_object('phone', thread.phone, 'bsuid', thread.bsuid, 'group_id', thread.group_id,
    'last_customer_message_at', thread.last_customer_message_at, 'window_expires_at', thread.window_expires_at,
    'last_message_at', thread.last_message_at, 'last_message_preview', thread.last_message_preview,
    'last_message_direction', thread.last_message_direction)
$function$;

CREATE OR REPLACE FUNCTION private.told_of (
  report public.message_statuses
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select jsonb_build_object('occurred_at', report.occurred_at, 'callback_data', report.callback_data, 'errors', report.errors,
    'error', report.error, 'details', report.details)
$function$;

CREATE OR REPLACE FUNCTION private.told_of (
  message public.messages
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select jsonb_build_object('type', message.type, 'content', message.content, 'original_content', message.original_content,
    'direction', message.direction, 'reply_to_wamid', message.reply_to_wamid, 'occurred_at', message.occurred_at,
    'wa_id', message.wa_id, 'bsuid', message.bsuid, 'profile_name', message.profile_name,
    'edited_at', message.edited_at, 'revoked_at', message.revoked_at, 'imported', message.imported,
    'media_id', message.media_id, 'media_filename', message.media_filename, 'media_mime_type', message.media_mime_type, 'media_sha256', message.media_sha256,
    'status', message.status, 'sent_at', message.sent_at, 'delivered_at', message.delivered_at, 'read_at', message.read_at, 'played_at', message.played_at,
    'failed_at', message.failed_at)
$function$;

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.conversations) TO "service_role";

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.message_statuses) TO "service_role";

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.messages) TO "service_role";

COMMENT ON FUNCTION "private"."told_of"(public.conversations) IS 'What the journal tells about a thread.';

COMMENT ON FUNCTION "private"."told_of"(public.message_statuses) IS 'What the journal tells of a report.';

COMMENT ON FUNCTION "private"."told_of"(public.messages) IS 'What the journal tells about a message.';

REVOKE ALL ON FUNCTION "private"."told_of"(public.conversations) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."told_of"(public.conversations) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.conversations) TO "postgres";

REVOKE ALL ON FUNCTION "private"."told_of"(public.message_statuses) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."told_of"(public.message_statuses) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.message_statuses) TO "postgres";

REVOKE ALL ON FUNCTION "private"."told_of"(public.messages) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."told_of"(public.messages) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."told_of"(public.messages) TO "postgres";

-- private/functions/turn_of.sql
CREATE OR REPLACE FUNCTION private.turn_of (
  connection_id uuid
)
  RETURNS bigint
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
  select hashtextextended(connection_id::text, 0)
$function$;

GRANT EXECUTE ON FUNCTION "private"."turn_of"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."turn_of"(uuid) IS 'The advisory lock of a number: recordings take turns, and whoever must not meet one waits for it.';

REVOKE ALL ON FUNCTION "private"."turn_of"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."turn_of"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."turn_of"(uuid) TO "postgres";

-- private/functions/unite_people.sql
CREATE OR REPLACE FUNCTION private.unite_people (
  people private.person[]
)
  RETURNS private.person[]
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  threads uuid[] := array(select gen_random_uuid() from unnest(people));
  united uuid[];
begin
  -- A phone may be tied to a user id and that to a parent id, each by another message: repeat until nothing moves.
  loop
    with seen as (
      select place, (people[place]).connection_id, identifier, threads[place] as thread
      from generate_subscripts(people, 1) as place, unnest((people[place]).identifiers) as identifier
    ), first_seen as (
      select connection_id, identifier, min(thread::text)::uuid as thread from seen group by connection_id, identifier
    ), moved as (
      select place, min(first_seen.thread::text)::uuid as thread
      from seen join first_seen using (connection_id, identifier) group by place
    )
    select array_agg(moved.thread order by place) into united from moved;
    exit when united = threads;
    threads := united;
  end loop;
  -- Whom nobody knows, but somebody else in the batch is known and the same person, goes there.
  return array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.bsuid, p.group_id, p.seen_at, p.identifiers,
      coalesce(p.conversation_id, min(p.conversation_id::text) over (partition by threads[p.ordinality])::uuid,
        threads[p.ordinality]))::private.person
    from unnest(private.with_conversations(people)) with ordinality as p);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."unite_people"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."unite_people"(private.person[]) IS 'Proposes one thread for all in a batch who share an identifier, directly or through others: a known one, else a new one.';

REVOKE ALL ON FUNCTION "private"."unite_people"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."unite_people"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."unite_people"(private.person[]) TO "postgres";

-- private/functions/unknown_of.sql
CREATE OR REPLACE FUNCTION private.unknown_of (
  numbers text[],
  wabas   text[]
)
  RETURNS text[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return array(
    select number from unnest(numbers) as number
    where not exists (
      select from public.whatsapp_connections
      where (phone_number_id = number or former_ids @> array[number]) and verified_at is not null)
    union
    select waba from unnest(wabas) as waba
    -- What is said of an account that a number has left concerns nobody, and waits for nobody.
    where not exists (
      select from public.whatsapp_connections
      where (waba_id = waba or former_ids @> array[waba]) and verified_at is not null));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."unknown_of"(text[], text[]) TO "service_role";

COMMENT ON FUNCTION "private"."unknown_of"(text[], text[]) IS 'The numbers and WABAs that nobody has connected, or a member by word alone.';

REVOKE ALL ON FUNCTION "private"."unknown_of"(text[], text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."unknown_of"(text[], text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."unknown_of"(text[], text[]) TO "postgres";

-- private/functions/user_managed_workspace_ids.sql
CREATE OR REPLACE FUNCTION private.user_managed_workspace_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  return query
  select workspace_id from public.workspace_members
  where user_id = (select auth.uid()) and role in ('owner', 'admin');
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."user_managed_workspace_ids"() TO "authenticated";

COMMENT ON FUNCTION "private"."user_managed_workspace_ids"() IS 'The workspaces the signed-in user is owner or admin of.';

REVOKE ALL ON FUNCTION "private"."user_managed_workspace_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."user_managed_workspace_ids"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."user_managed_workspace_ids"() TO "postgres";

-- private/functions/user_owned_workspace_ids.sql
CREATE OR REPLACE FUNCTION private.user_owned_workspace_ids()
  RETURNS SETOF uuid
  LANGUAGE sql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
  select workspace_id from public.workspace_members where user_id = (select auth.uid()) and role = 'owner'
$function$;

GRANT EXECUTE ON FUNCTION "private"."user_owned_workspace_ids"() TO "authenticated";

COMMENT ON FUNCTION "private"."user_owned_workspace_ids"() IS 'The workspaces the signed-in user is an owner of.';

REVOKE ALL ON FUNCTION "private"."user_owned_workspace_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."user_owned_workspace_ids"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."user_owned_workspace_ids"() TO "postgres";

-- private/functions/user_workspace_ids.sql
CREATE OR REPLACE FUNCTION private.user_workspace_ids()
  RETURNS SETOF uuid
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
begin
  return query select workspace_id from public.workspace_members where user_id = (select auth.uid());
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."user_workspace_ids"() TO "authenticated";

COMMENT ON FUNCTION "private"."user_workspace_ids"() IS 'The workspaces the signed-in user belongs to.';

REVOKE ALL ON FUNCTION "private"."user_workspace_ids"() FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."user_workspace_ids"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."user_workspace_ids"() TO "postgres";

-- private/functions/uuid_of.sql
CREATE OR REPLACE FUNCTION private.uuid_of (
  written text
)
  RETURNS uuid
  LANGUAGE sql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
  select case when written ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then written::uuid end
$function$;

GRANT EXECUTE ON FUNCTION "private"."uuid_of"(text) TO "service_role";

COMMENT ON FUNCTION "private"."uuid_of"(text) IS 'The id that a folder or file is named by, spelled as Postgres spells it; null for any other name.';

REVOKE ALL ON FUNCTION "private"."uuid_of"(text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."uuid_of"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."uuid_of"(text) TO "postgres";

-- private/functions/visible_conversation.sql
CREATE OR REPLACE FUNCTION private.visible_conversation (
  conversation_id uuid
)
  RETURNS public.conversations
  LANGUAGE plpgsql
  STABLE
  SECURITY DEFINER
  SET search_path TO ''
  AS $function$
declare
  thread public.conversations;
begin
  select * into thread from public.conversations as own
  where own.id = visible_conversation.conversation_id and (
    exists (
      select from public.workspace_members as member
      where member.workspace_id = own.workspace_id and member.user_id = (select auth.uid()))
    or private.is_backend());
  if not found then
    raise exception 'no such conversation' using errcode = 'WA004';
  end if;
  return thread;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."visible_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."visible_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "private"."visible_conversation"(uuid) IS 'A conversation of the caller''s. WA004: there is none, or it is somebody else''s.';

REVOKE ALL ON FUNCTION "private"."visible_conversation"(uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."visible_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."visible_conversation"(uuid) TO "postgres";

-- private/functions/wabas_in.sql
CREATE OR REPLACE FUNCTION private.wabas_in (
  events jsonb,
  facts  jsonb
)
  RETURNS text[]
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
begin
  return array(
    select id #>> '{}' from jsonb_path_query(events, '$[*].wabas[*]') as id
    union select id #>> '{}' from jsonb_path_query(facts, '$[*] ? (!exists (@.phone_number_id) || @.phone_number_id == null).waba_id') as id);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."wabas_in"(jsonb, jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."wabas_in"(jsonb, jsonb) IS 'The WABAs that the arguments of record_inbound speak of as a whole, each once.';

REVOKE ALL ON FUNCTION "private"."wabas_in"(jsonb, jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."wabas_in"(jsonb, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."wabas_in"(jsonb, jsonb) TO "postgres";

-- private/functions/waiting_numbers.sql
CREATE OR REPLACE FUNCTION private.waiting_numbers (
  shares jsonb DEFAULT '{}'::jsonb
)
  RETURNS TABLE (
    connection public.whatsapp_connections,
    pace       private.outbound_numbers
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return query
  with recursive number as (
    -- One step of an index for each number, however many wait for it. Backward: a number's first entries are those of the
    -- longest wait, which have been claimed and are dead; its last ones still wait.
    (select connection_id as id from public.outbox where ready_at is not null order by connection_id desc limit 1)
    union all
    select (select next.connection_id from public.outbox as next
      where next.ready_at is not null and next.connection_id < number.id order by next.connection_id desc limit 1)
    from number where number.id is not null
  )
  select active, paced
  from number
  join public.whatsapp_connections as active on active.id = number.id and active.status = 'active'
    and (shares ->> active.id::text)::integer is distinct from 0
  left join private.outbound_numbers as paced on paced.connection_id = active.id;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."waiting_numbers"(jsonb) TO "service_role";

COMMENT ON FUNCTION "private"."waiting_numbers"(jsonb) IS 'Active numbers that somebody waits for, each with its pace; without those that have all of a worker''s slots that they may have.';

REVOKE ALL ON FUNCTION "private"."waiting_numbers"(jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."waiting_numbers"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."waiting_numbers"(jsonb) TO "postgres";

-- private/functions/walk_places.sql
CREATE OR REPLACE FUNCTION private.walk_places (
  f         private.conversation_filter,
  before_at timestamp with time zone,
  before_id uuid,
  most      integer
)
  RETURNS SETOF private.inbox_place
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
begin
  -- Each list is a stretch of the index in the right order; of each at most a page is read, and the newest of all taken.
  if f.assignee is null then
    return query
    select page.conversation_id, page.sort_at
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select place.conversation_id, place.sort_at from private.inbox_places as place
      where place.connection_id = own.id and place.state = list.state
        and (place.sort_at, place.conversation_id) < (before_at, before_id)
      order by place.sort_at desc, place.conversation_id desc limit most) as page
    order by page.sort_at desc, page.conversation_id desc limit most;
  else
    return query
    select page.conversation_id, page.sort_at
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select place.conversation_id, place.sort_at from private.inbox_places as place
      where place.assigned_to = f.assignee and place.connection_id = own.id and place.state = list.state
        and (place.sort_at, place.conversation_id) < (before_at, before_id)
      order by place.sort_at desc, place.conversation_id desc limit most) as page
    order by page.sort_at desc, page.conversation_id desc limit most;
  end if;
end
$function$;

COMMENT ON FUNCTION "private"."walk_places"(private.conversation_filter, timestamp with time zone, uuid, integer) IS 'The newest threads before a place that pass the filters an index knows: status, unread, assignee, connection.';

REVOKE ALL ON FUNCTION "private"."walk_places"(private.conversation_filter, timestamp WITH time zone, uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."walk_places"(private.conversation_filter, timestamp WITH time zone, uuid, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."walk_places"(private.conversation_filter, timestamp WITH time zone, uuid, integer) TO "postgres";

-- private/functions/walk_stretch.sql
CREATE OR REPLACE FUNCTION private.walk_stretch (
  f         private.conversation_filter,
  before_at timestamp with time zone,
  before_id uuid,
  each      integer
)
  RETURNS SETOF private.inbox_place
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
begin
  -- Of each list so many are read, and what lies behind the end of one that goes on is left to the next stretch.
  return query
  with read as materialized (
    select page.conversation_id, page.sort_at, page.turn
    from unnest(f.connections) as own (id) cross join unnest(f.states) as list (state)
    cross join lateral (
      select next.*, row_number() over () as turn
      from (
        select place.conversation_id, place.sort_at from private.inbox_places as place
        where f.assignee is null and place.connection_id = own.id and place.state = list.state
          and (place.sort_at, place.conversation_id) < (before_at, before_id)
        order by place.sort_at desc, place.conversation_id desc limit each
      ) as next
      union all
      select next.*, row_number() over () as turn
      from (
        select place.conversation_id, place.sort_at from private.inbox_places as place
        where place.assigned_to = f.assignee and place.connection_id = own.id and place.state = list.state
          and (place.sort_at, place.conversation_id) < (before_at, before_id)
        order by place.sort_at desc, place.conversation_id desc limit each
      ) as next) as page
  )
  select read.conversation_id, read.sort_at from read
  where ((read.sort_at, read.conversation_id) >= (
    select last.sort_at, last.conversation_id from read as last where last.turn = each
    order by last.sort_at desc, last.conversation_id desc limit 1)) is not false
  order by read.sort_at desc, read.conversation_id desc;
end
$function$;

COMMENT ON FUNCTION "private"."walk_stretch"(private.conversation_filter, timestamp with time zone, uuid, integer) IS 'The next threads of the inbox that pass the filters an index knows, in their order. At least so many, or it has ended.';

REVOKE ALL ON FUNCTION "private"."walk_stretch"(private.conversation_filter, timestamp WITH time zone, uuid, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."walk_stretch"(private.conversation_filter, timestamp WITH time zone, uuid, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."walk_stretch"(private.conversation_filter, timestamp WITH time zone, uuid, integer) TO "postgres";

-- private/functions/with_contact.sql
CREATE OR REPLACE FUNCTION private.with_contact (
  f       private.conversation_filter,
  stretch private.inbox_place[],
  most    integer
)
  RETURNS uuid[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET plan_cache_mode TO 'force_generic_plan'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select walked.conversation_id
    from (
      select place.conversation_id from unnest(stretch) with ordinality as place (conversation_id, sort_at, turn)
      order by place.turn offset 0
    ) as walked
    cross join lateral (
      select thread.contact_id from public.conversations as thread where thread.id = walked.conversation_id offset 0
    ) as thread
    cross join lateral (
      select contact.* from public.contacts as contact
      where contact.workspace_id = f.workspace_id and contact.id = thread.contact_id offset 0
    ) as contact
    where (f.tags is null or contact.tags @> f.tags)
      and (f.search is null
        or (f.number is not null or private.folded(concat_ws(' ', contact.name, contact.profile_name)) like all (f.parts))
        and private.contact_words(contact.workspace_id, contact.name, contact.profile_name, contact.phone, contact.tags) @@ f.contact_query)
    limit most);
end
$function$;

COMMENT ON FUNCTION "private"."with_contact"(private.conversation_filter, private.inbox_place[], integer) IS 'Of a stretch of the inbox the first whose contact has the tags that are asked for and is found by the search.';

REVOKE ALL ON FUNCTION "private"."with_contact"(private.conversation_filter, private.inbox_place[], integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."with_contact"(private.conversation_filter, private.inbox_place[], integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."with_contact"(private.conversation_filter, private.inbox_place[], integer) TO "postgres";

-- private/functions/with_conversations.sql
CREATE OR REPLACE FUNCTION private.with_conversations (
  people private.person[]
)
  RETURNS private.person[]
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return array(
    select row(p.workspace_id, p.connection_id, p.phone_number_id, p.wa_id, p.bsuid, p.group_id, p.seen_at, p.identifiers,
      coalesce((
        select known.conversation_id
        from unnest(p.identifiers) with ordinality as seen (identifier, place)
        join private.conversation_identifiers as known
          on known.connection_id = p.connection_id and known.identifier = seen.identifier
        order by seen.place limit 1), p.conversation_id))::private.person
    from unnest(people) as p);
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."with_conversations"(private.person[]) TO "service_role";

COMMENT ON FUNCTION "private"."with_conversations"(private.person[]) IS 'The thread of each person by the surest identifier that has one; a thread already proposed stays where none has.';

REVOKE ALL ON FUNCTION "private"."with_conversations"(private.person[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."with_conversations"(private.person[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."with_conversations"(private.person[]) TO "postgres";

-- private/functions/word_query.sql
CREATE OR REPLACE FUNCTION private.word_query (
  scope              text,
  search             text,
  shortest_beginning integer
)
  RETURNS tsquery
  LANGUAGE plpgsql
  IMMUTABLE
  SET search_path TO ''
  AS $function$
declare
  words text[] := tsvector_to_array(private.words(scope, search));
begin
  -- What is typed last may go on; the others are whole, so that frequent ones among them cost nothing.
  return (
    select string_agg('''' || word || ''''
      || case when char_length(word) - char_length(scope) >= shortest_beginning
        and (cardinality(words) = 1 or right(lower(btrim(search)), char_length(word) - char_length(scope)) = substr(word, char_length(scope) + 1))
        then ':*' else '' end, ' & ')
    from unnest(words) as word)::tsquery;
end
$function$;

COMMENT ON FUNCTION "private"."word_query"(text, text, integer) IS 'Asks for texts with all words of a search, the last, from so many letters on, as a beginning. Null: there is no word in it.';

REVOKE ALL ON FUNCTION "private"."word_query"(text, text, integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."word_query"(text, text, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."word_query"(text, text, integer) TO "postgres";

-- private/functions/words.sql
CREATE OR REPLACE FUNCTION private.words (
  scope   text,
  written text
)
  RETURNS tsvector
  LANGUAGE plpgsql
  IMMUTABLE
  PARALLEL SAFE
  SET search_path TO ''
  AS $function$
declare
  found text;
begin
  -- A word beyond 2 kB cannot be indexed, and nobody types it; nor can words of more than 1 MB together.
  if octet_length(written) > 2000 then
    written := regexp_replace(left(written, 100000), '\S{100,}', ' ', 'g');
  end if;
  -- Without what joins words into addresses and numbers, of which a beginning would be another kind of word, and what the
  -- parser takes for a tag or an entity, in which there would be no words.
  found := strip(to_tsvector('pg_catalog.simple'::regconfig, translate(private.seen(written), '@./:_-+<>&', '          ')))::text;
  -- Each word stands in quotes: '…' '…'. The scope goes in front by text, which is three times as fast as by row.
  return case when found = '' then found else '''' || scope || replace(substr(found, 2), ''' ''', ''' ''' || scope) end::tsvector;
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."words"(text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "private"."words"(text, text) TO "service_role";

COMMENT ON FUNCTION "private"."words"(text, text) IS 'The words of a text, small letters, each behind a scope.';

REVOKE ALL ON FUNCTION "private"."words"(text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."words"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."words"(text, text) TO "postgres";

-- private/functions/writer_in_group.sql
CREATE OR REPLACE FUNCTION private.writer_in_group (
  workspace_id  uuid,
  connection_id uuid,
  wa_id         text,
  bsuid         text
)
  RETURNS uuid
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  shown text := coalesce(private.phone_key(writer_in_group.wa_id), writer_in_group.bsuid);
begin
  -- Their own thread knows them under what they have left, too: a group tells of that as well, late or again.
  return coalesce((
    select contact.id from private.contacts_of(writer_in_group.workspace_id, array[shown]) as contact limit 1), (
    select thread.contact_id
    from private.conversation_identifiers as known join public.conversations as thread on thread.id = known.conversation_id
    where known.connection_id = writer_in_group.connection_id and known.identifier = shown));
end
$function$;

GRANT EXECUTE ON FUNCTION "private"."writer_in_group"(uuid, uuid, text, text) TO "service_role";

COMMENT ON FUNCTION "private"."writer_in_group"(uuid, uuid, text, text) IS 'The contact of somebody who wrote in a group: by number, or by user id where they show no number.';

REVOKE ALL ON FUNCTION "private"."writer_in_group"(uuid, uuid, text, text) FROM PUBLIC;

REVOKE ALL ON FUNCTION "private"."writer_in_group"(uuid, uuid, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "private"."writer_in_group"(uuid, uuid, text, text) TO "postgres";

-- public/functions/accept_invitation.sql
CREATE OR REPLACE FUNCTION public.accept_invitation (
  token text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.accept_invitation(token);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."accept_invitation"(text) TO "authenticated";

COMMENT ON FUNCTION "public"."accept_invitation"(text) IS 'Makes the caller, who signed in with the invited address, a member; answers the workspace''s id. WA031, WA033.';

REVOKE ALL ON FUNCTION "public"."accept_invitation"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."accept_invitation"(text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."accept_invitation"(text) FROM PUBLIC, "anon", "service_role";

-- public/functions/add_connection.sql
CREATE OR REPLACE FUNCTION public.add_connection (
  workspace_id         uuid,
  provider             text,
  phone_number_id      text,
  waba_id              text DEFAULT NULL::text,
  display_phone_number text DEFAULT NULL::text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.add_connection(workspace_id, provider, phone_number_id, waba_id, display_phone_number);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) IS 'Connects a WhatsApp number, which is paused until set_connection_credential; answers the connection''s id. Owner and admin. WA002, WA004, WA032, WA034, WA035.';

REVOKE ALL ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."add_connection"(uuid, text, text, text, text) FROM PUBLIC, "anon";

-- public/functions/archive_conversation.sql
CREATE OR REPLACE FUNCTION public.archive_conversation (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.archive_conversation(archive_conversation.conversation_id, 'archived');
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."archive_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."archive_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."archive_conversation"(uuid) IS 'Puts a conversation away until its customer writes again. WA004.';

REVOKE ALL ON FUNCTION "public"."archive_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."archive_conversation"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."archive_conversation"(uuid) FROM PUBLIC, "anon";

-- public/functions/assign_conversation.sql
CREATE OR REPLACE FUNCTION public.assign_conversation (
  conversation_id uuid,
  user_id         uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.assign_conversation(assign_conversation.conversation_id, assign_conversation.user_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."assign_conversation"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."assign_conversation"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."assign_conversation"(uuid, uuid) IS 'Gives a conversation to a member of its workspace; null: to nobody. WA004, WA025.';

REVOKE ALL ON FUNCTION "public"."assign_conversation"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."assign_conversation"(uuid, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."assign_conversation"(uuid, uuid) FROM PUBLIC, "anon";

-- public/functions/cancel_message.sql
CREATE OR REPLACE FUNCTION public.cancel_message (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.cancel_message(message_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."cancel_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."cancel_message"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."cancel_message"(uuid) IS 'Takes a queued message back before it is sent. WA004, WA007 when it is being sent or has ended.';

REVOKE ALL ON FUNCTION "public"."cancel_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."cancel_message"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."cancel_message"(uuid) FROM PUBLIC, "anon";

-- public/functions/change_member_role.sql
CREATE OR REPLACE FUNCTION public.change_member_role (
  workspace_id uuid,
  user_id      uuid,
  role         text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.change_member_role(workspace_id, user_id, role);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."change_member_role"(uuid, uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."change_member_role"(uuid, uuid, text) TO "service_role";

COMMENT ON FUNCTION "public"."change_member_role"(uuid, uuid, text) IS 'Makes a member owner, admin or agent. For owners, and for admins among admins and agents. WA004, WA030, WA032, WA034.';

REVOKE ALL ON FUNCTION "public"."change_member_role"(uuid, uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."change_member_role"(uuid, uuid, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."change_member_role"(uuid, uuid, text) FROM PUBLIC, "anon";

-- public/functions/claim_chores.sql
CREATE OR REPLACE FUNCTION public.claim_chores (
  max_chores    integer DEFAULT 2,
  lease_seconds integer DEFAULT 600,
  shares        jsonb   DEFAULT '{}'::jsonb
)
  RETURNS TABLE (
    lease_token     uuid,
    workspace_id    uuid,
    connection_id   uuid,
    provider        text,
    phone_number_id text,
    waba_id         text,
    kind            text,
    attempts        integer
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
  return query
  with claimed as (
    update private.connection_chores as chore set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      due_at = now() + make_interval(secs => lease_seconds),
      started_at = now(),
      attempts = chore.attempts + 1
    where (chore.connection_id, chore.kind) in (
      select waiting.connection_id, waiting.kind
      from private.connection_chores as waiting
      join public.whatsapp_connections as connection on connection.id = waiting.connection_id
        -- A key that is refused is not shown again; the next one is tried at once.
        and (connection.status = 'active' or connection.status = 'paused' and connection.status_reason is distinct from 'credential')
      where waiting.due_at <= now() and (waiting.lease_token is null or waiting.lease_expires_at <= now())
        and (shares ->> waiting.connection_id::text)::integer is distinct from 0
      order by waiting.due_at
      limit max_chores
      for update of waiting skip locked)
    returning chore.*
  )
  select claimed.lease_token, claimed.workspace_id, claimed.connection_id, connection.provider, connection.phone_number_id,
    connection.waba_id, claimed.kind, claimed.attempts
  from claimed
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_chores"(integer, integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."claim_chores"(integer, integer, jsonb) IS 'Leases chores that are due; those of a dead worker again, since asking changes nothing. Paused numbers too, unless for their credential. None of numbers whose share is 0, {connection_id: how many}.';

REVOKE ALL ON FUNCTION "public"."claim_chores"(integer, integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_chores"(integer, integer, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_chores"(integer, integer, jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/claim_inbound.sql
CREATE OR REPLACE FUNCTION public.claim_inbound (
  max_events    integer DEFAULT 200,
  lease_seconds integer DEFAULT 30
)
  RETURNS TABLE (
    id              bigint,
    provider        text,
    phone_number_id text,
    waba_id         text,
    body            text,
    attempts        integer
  )
  LANGUAGE sql
  SET search_path TO ''
  SET plan_cache_mode TO 'force_custom_plan'
  AS $function$
  -- Two have had it and not finished: perhaps it is what ended them. It goes alone, or the innocent around it would be
  -- given up with it.
  with next as (
    select suspect.id, suspect.attempts >= 2 as alone from public.webhook_events as suspect
    where suspect.state = 'received' and suspect.lease_expires_at <= now()
    order by suspect.lease_expires_at, suspect.id limit 1
  )
  update public.webhook_events as event set
    attempts = event.attempts + 1,
    lease_expires_at = now() + make_interval(secs => lease_seconds)
  where event.id in (
    select waiting.id from public.webhook_events as waiting
    where waiting.state = 'received' and waiting.lease_expires_at <= now()
      and case when (select next.alone from next) then waiting.id = (select next.id from next) else waiting.attempts < 2 end
    order by waiting.lease_expires_at, waiting.id
    -- A number that the planner knows: it would read the whole journal for a thousand.
    limit max_events
    for update skip locked)
  returning event.id, event.provider, event.phone_number_id, event.waba_id, event.body::text, event.attempts
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_inbound"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "public"."claim_inbound"(integer, integer) IS 'Leases events that nobody is working on: left by a crash, or released for replay. What two have left goes alone.';

REVOKE ALL ON FUNCTION "public"."claim_inbound"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_inbound"(integer, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_inbound"(integer, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/claim_media.sql
CREATE OR REPLACE FUNCTION public.claim_media (
  max_files     integer DEFAULT 4,
  lease_seconds integer DEFAULT 300,
  shares        jsonb   DEFAULT '{}'::jsonb
)
  RETURNS TABLE (
    message_id      uuid,
    lease_token     uuid,
    workspace_id    uuid,
    connection_id   uuid,
    provider        text,
    phone_number_id text,
    object_name     text,
    media_id        text,
    type            text,
    mime_type       text,
    sha256          text,
    deadline        timestamp with time zone,
    attempts        integer
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
#variable_conflict use_column
declare
  taken uuid[];
begin
  -- Claims take turns, a few milliseconds each: every one sees what the one before it has put in flight.
  perform pg_advisory_xact_lock('public.media_downloads'::regclass::bigint);
  taken := private.take_media(max_files, shares);
  return query
  with claimed as (
    update public.media_downloads as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where item.message_id = any (taken)
    returning item.*
  ), downloading as (
    -- Everything comes back from here: a join of the two would compare each with each.
    update public.messages as message set media_status = 'downloading'
    from claimed where message.id = claimed.message_id
    returning message.type, message.media_mime_type, claimed.*
  )
  select file.message_id, file.lease_token, file.workspace_id, file.connection_id, connection.provider,
    connection.phone_number_id, file.object_name, file.media_id, file.type, file.media_mime_type,
    file.sha256, file.deadline, file.attempts
  from downloading as file
  join public.whatsapp_connections as connection on connection.id = file.connection_id
  order by file.deadline, file.message_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_media"(integer, integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."claim_media"(integer, integer, jsonb) IS 'Leases files to fetch: of connections that are neither disconnected nor paused for their credential, tenants in turn, the soonest to vanish of each first, never more of a number at once than its media_downloads_at_once, nor than `shares` says, {connection_id: how many}. Each comes with the token its record must show.';

REVOKE ALL ON FUNCTION "public"."claim_media"(integer, integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_media"(integer, integer, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_media"(integer, integer, jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/claim_outbound.sql
CREATE OR REPLACE FUNCTION public.claim_outbound (
  max_messages  integer DEFAULT 20,
  lease_seconds integer DEFAULT 60,
  shares        jsonb   DEFAULT '{}'::jsonb
)
  RETURNS TABLE (
    message_id      uuid,
    lease_token     uuid,
    workspace_id    uuid,
    connection_id   uuid,
    provider        text,
    phone_number_id text,
    phone           text,
    bsuid           text,
    group_id        text,
    type            text,
    content         jsonb,
    reply_to_wamid  text,
    attempts        integer,
    callback_data   text
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  SET statement_timeout TO '4s'
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
#variable_conflict use_column
declare
  allowed uuid[];
  places tid[];
  forbidden uuid[];
  reasons text[];
begin
  -- Claims take turns, a few milliseconds each: every one sees what the one before it has put in flight.
  perform pg_advisory_xact_lock('public.outbox'::regclass::bigint);
  select array_agg(judged.message_id) filter (where verdict is null), array_agg(judged.place) filter (where verdict is null),
    array_agg(judged.message_id) filter (where verdict is not null), array_agg(verdict) filter (where verdict is not null)
  into allowed, places, forbidden, reasons
  from (
    -- By its place, which saves two searches of the key for each; whoever has moved meanwhile is left for the next claim.
    select item.message_id, item.ctid as place, candidate.verdict
    from private.outbound_candidates(max_messages, shares) as candidate
    join public.outbox as item
      on item.ctid = candidate.place and item.message_id = candidate.message_id and item.ready_at is not null
    order by item.message_id
    for update of item skip locked
  ) as judged;
  if forbidden is not null then
    perform private.refuse_outbound(forbidden, reasons);
  end if;
  return query
  with claimed as (
    update public.outbox as item set
      lease_token = gen_random_uuid(),
      leased_at = now(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      preparing = false,
      ready_at = null,
      attempts = item.attempts + 1
    -- Locked above, so each is where it was.
    from unnest(allowed, places) as chosen (id, place)
    where item.ctid = chosen.place and item.message_id = chosen.id
    returning item.*
  ), sending as (
    -- Everything comes back from here: a join of the two would compare each with each.
    update public.messages as message set status = 'sending'
    from claimed where message.id = claimed.message_id
    returning message.id, claimed.lease_token, message.workspace_id, message.connection_id, message.conversation_id, message.type,
      message.content, message.reply_to_wamid, claimed.attempts, claimed.priority, claimed.seq,
      -- Few have been tried before, and the call costs more than the rest of the row.
      case when message.previous_attempts is null then message.id::text else private.callback_data(message) end as callback_data
  )
  select sending.id, sending.lease_token, sending.workspace_id, sending.connection_id, connection.provider,
    connection.phone_number_id, conversation.phone, conversation.bsuid, conversation.group_id, sending.type, sending.content,
    sending.reply_to_wamid, sending.attempts, sending.callback_data
  from sending
  join public.whatsapp_connections as connection on connection.id = sending.connection_id
  join public.conversations as conversation on conversation.id = sending.conversation_id
  order by sending.priority, sending.seq;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_outbound"(integer, integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."claim_outbound"(integer, integer, jsonb) IS 'Leases messages to send: at most one per conversation, in insert order, of active connections, within the rates of number and pair, and no more of a number than `shares` says, {connection_id: how many}. Each comes with the token its record must show.';

REVOKE ALL ON FUNCTION "public"."claim_outbound"(integer, integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_outbound"(integer, integer, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_outbound"(integer, integer, jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/claim_receipts.sql
CREATE OR REPLACE FUNCTION public.claim_receipts (
  max_receipts  integer DEFAULT 8,
  lease_seconds integer DEFAULT 60,
  shares        jsonb   DEFAULT '{}'::jsonb
)
  RETURNS TABLE (
    message_id      uuid,
    lease_token     uuid,
    workspace_id    uuid,
    connection_id   uuid,
    provider        text,
    phone_number_id text,
    kind            text,
    wamid           text
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
  -- Nobody is typing any more; and who has not been marked for days is not marked today.
  delete from private.receipts as late
  where late.created_at < now() - case late.kind when 'typing' then interval '25 seconds' else interval '7 days' end;
  return query
  with claimed as (
    update private.receipts as item set
      lease_token = gen_random_uuid(),
      lease_expires_at = now() + make_interval(secs => lease_seconds),
      attempts = item.attempts + 1
    where (item.conversation_id, item.kind) in (
      select waiting.conversation_id, waiting.kind
      from private.receipts as waiting
      join public.whatsapp_connections as connection on connection.id = waiting.connection_id and connection.status = 'active'
      where waiting.available_at <= now() and (waiting.lease_token is null or waiting.lease_expires_at <= now())
        and (shares ->> waiting.connection_id::text)::integer is distinct from 0
      order by waiting.available_at
      limit max_receipts
      for update of waiting skip locked)
    returning item.*
  )
  select claimed.message_id, claimed.lease_token, claimed.workspace_id, claimed.connection_id, connection.provider,
    connection.phone_number_id, claimed.kind, claimed.wamid
  from claimed
  join public.whatsapp_connections as connection on connection.id = claimed.connection_id;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_receipts"(integer, integer, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."claim_receipts"(integer, integer, jsonb) IS 'Leases receipts to be given; those of a dead worker again, since a repetition shows nothing new. None of numbers whose share is 0, {connection_id: how many}.';

REVOKE ALL ON FUNCTION "public"."claim_receipts"(integer, integer, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_receipts"(integer, integer, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_receipts"(integer, integer, jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/claim_removals.sql
CREATE OR REPLACE FUNCTION public.claim_removals (
  max_objects   integer DEFAULT 500,
  lease_seconds integer DEFAULT 60
)
  RETURNS TABLE (
    prefix      text,
    lease_token uuid,
    names       text[]
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  due private.media_removals[];
  removal private.media_removals;
  token uuid := gen_random_uuid();
  waiting text[];
  found_names text[];
  room integer := max_objects;
begin
  due := array(
    select item from private.media_removals as item where item.available_at <= now()
    order by item.available_at limit max_objects for update skip locked);
  waiting := private.paths_waiting(array(
    select distinct item.workspace_id from unnest(due) as item where split_part(item.prefix, '/', 2) = 'outgoing'));
  foreach removal in array due loop
    exit when room <= 0;
    if private.is_needed(removal, waiting) then
      delete from private.media_removals as item where item.prefix = removal.prefix;
      continue;
    end if;
    found_names := array(select private.objects_under(removal.prefix, room));
    if found_names = '{}' then
      perform private.end_removal(removal);
    else
      update private.media_removals as item set
        lease_token = token, attempts = item.attempts + 1, available_at = now() + make_interval(secs => lease_seconds)
      where item.prefix = removal.prefix;
      room := room - cardinality(found_names);
      return query select removal.prefix, token, found_names;
    end if;
  end loop;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."claim_removals"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "public"."claim_removals"(integer, integer) IS 'Leases prefixes, longest due first, with the next names under each; one token for all. Those of a dead worker again, since removing twice removes once.';

REVOKE ALL ON FUNCTION "public"."claim_removals"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."claim_removals"(integer, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."claim_removals"(integer, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/create_workspace.sql
CREATE OR REPLACE FUNCTION public.create_workspace (
  name             text,
  default_language text DEFAULT 'he'::text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.create_workspace(name, default_language);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."create_workspace"(text, text) TO "authenticated";

COMMENT ON FUNCTION "public"."create_workspace"(text, text) IS 'Makes a workspace whose owner is the caller; answers its id. WA004, WA032.';

REVOKE ALL ON FUNCTION "public"."create_workspace"(text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."create_workspace"(text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."create_workspace"(text, text) FROM PUBLIC, "anon", "service_role";

-- public/functions/delete_workspace.sql
CREATE OR REPLACE FUNCTION public.delete_workspace (
  workspace_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET statement_timeout TO '60s'
  AS $function$
begin
  perform private.delete_workspace(workspace_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."delete_workspace"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."delete_workspace"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."delete_workspace"(uuid) IS 'Deletes a workspace with its numbers, people, threads, messages and files, for ever: at once for everybody, the rows of a large one by and by. Owners only. WA004, WA034.';

REVOKE ALL ON FUNCTION "public"."delete_workspace"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."delete_workspace"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."delete_workspace"(uuid) FROM PUBLIC, "anon";

-- public/functions/explain_outbound.sql
CREATE OR REPLACE FUNCTION public.explain_outbound (
  message_id uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.explain_outbound(message_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."explain_outbound"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."explain_outbound"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."explain_outbound"(uuid) IS '{reason, until, detail}: why a message waits and until when, as far as can be known. Reasons: ended, uncertain, sending, connection_paused, connection_disconnected, scheduled, order, retry, pair_rate, number_rate, ready. WA004.';

REVOKE ALL ON FUNCTION "public"."explain_outbound"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."explain_outbound"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."explain_outbound"(uuid) FROM PUBLIC, "anon";

-- public/functions/extend_media.sql
CREATE OR REPLACE FUNCTION public.extend_media (
  leases        jsonb,
  lease_seconds integer DEFAULT 300
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET lock_timeout TO '500ms'
  AS $function$
declare
  held private.media_result[] := private.held_files(leases);
begin
  update public.media_downloads as item set lease_expires_at = now() + make_interval(secs => lease_seconds)
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."extend_media"(jsonb, integer) TO "service_role";

COMMENT ON FUNCTION "public"."extend_media"(jsonb, integer) IS 'The heartbeat: whoever still holds these leases keeps them for so much longer.';

REVOKE ALL ON FUNCTION "public"."extend_media"(jsonb, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."extend_media"(jsonb, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."extend_media"(jsonb, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/extend_outbound.sql
CREATE OR REPLACE FUNCTION public.extend_outbound (
  leases        jsonb,
  lease_seconds integer DEFAULT 60,
  preparing     boolean DEFAULT NULL::boolean
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  held private.send_result[] := private.held_results(leases);
begin
  update public.outbox as item set
    lease_expires_at = now() + make_interval(secs => lease_seconds),
    preparing = coalesce(extend_outbound.preparing, item.preparing)
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."extend_outbound"(jsonb, integer, boolean) TO "service_role";

COMMENT ON FUNCTION "public"."extend_outbound"(jsonb, integer, boolean) IS 'The heartbeat: whoever still holds these leases keeps them for so much longer. Says also, when told, whether their files are still being prepared.';

REVOKE ALL ON FUNCTION "public"."extend_outbound"(jsonb, integer, boolean) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."extend_outbound"(jsonb, integer, boolean) TO "postgres";

REVOKE ALL ON FUNCTION "public"."extend_outbound"(jsonb, integer, boolean) FROM PUBLIC, "anon", "authenticated";

-- public/functions/get_connection_credential.sql
CREATE OR REPLACE FUNCTION public.get_connection_credential (
  connection_id uuid
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select private.connection_credential(connection_id)
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_connection_credential"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."get_connection_credential"(uuid) IS 'The credential of a connection for the backend; null when none is set.';

REVOKE ALL ON FUNCTION "public"."get_connection_credential"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_connection_credential"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_connection_credential"(uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/get_conversation_messages.sql
CREATE OR REPLACE FUNCTION public.get_conversation_messages (
  conversation_id uuid,
  "limit"         integer DEFAULT 50,
  before          uuid    DEFAULT NULL::uuid
)
  RETURNS SETOF public.conversation_message
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return query
  select * from private.get_conversation_messages(
    get_conversation_messages.conversation_id, get_conversation_messages.limit, get_conversation_messages.before);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) IS 'A page of a thread, newest first: at most `limit` (1 to 200) messages before the one with the id `before`. Reactions, edits and revokes are in what they change. WA004, WA024.';

REVOKE ALL ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_conversation_messages"(uuid, integer, uuid) FROM PUBLIC, "anon";

-- public/functions/get_conversation_stats.sql
CREATE OR REPLACE FUNCTION public.get_conversation_stats (
  workspace_id uuid
)
  RETURNS TABLE (
    total         bigint,
    unread        bigint,
    archived      bigint,
    window_closed bigint
  )
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return query select * from private.conversation_stats(get_conversation_stats.workspace_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_conversation_stats"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."get_conversation_stats"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."get_conversation_stats"(uuid) IS 'One row: all conversations; of the open ones those unread and those whose window is closed or was never open; the archived ones. WA004.';

REVOKE ALL ON FUNCTION "public"."get_conversation_stats"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_conversation_stats"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_conversation_stats"(uuid) FROM PUBLIC, "anon";

-- public/functions/get_conversation.sql
CREATE OR REPLACE FUNCTION public.get_conversation (
  conversation_id uuid
)
  RETURNS SETOF public.conversation_details
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return query select * from private.get_conversation(get_conversation.conversation_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."get_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."get_conversation"(uuid) IS 'One conversation as get_conversations lists it, with its connection, and its contact''s attributes and notes. WA004.';

REVOKE ALL ON FUNCTION "public"."get_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_conversation"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_conversation"(uuid) FROM PUBLIC, "anon";

-- public/functions/get_conversations.sql
CREATE OR REPLACE FUNCTION public.get_conversations (
  workspace_id uuid,
  filters      jsonb DEFAULT '{}'::jsonb
)
  RETURNS SETOF public.conversation_list_item
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return query select * from private.get_conversations(get_conversations.workspace_id, get_conversations.filters);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_conversations"(uuid, jsonb) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."get_conversations"(uuid, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."get_conversations"(uuid, jsonb) IS 'A page of the inbox, newest first. filters: search, status, unread, assignee, tags, connection_id, limit, and cursor, that of the last row seen. WA004, WA024.';

REVOKE ALL ON FUNCTION "public"."get_conversations"(uuid, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_conversations"(uuid, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_conversations"(uuid, jsonb) FROM PUBLIC, "anon";

-- public/functions/get_installation.sql
CREATE OR REPLACE FUNCTION public.get_installation()
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return private.installation();
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_installation"() TO "service_role";

COMMENT ON FUNCTION "public"."get_installation"() IS 'What is installed: {at (epoch seconds), postgres (major version), release, migrations (null: not recorded), objects: {kind: {name: how it stands}}}.';

REVOKE ALL ON FUNCTION "public"."get_installation"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_installation"() TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_installation"() FROM PUBLIC, "anon", "authenticated";

-- public/functions/get_onboarding.sql
CREATE OR REPLACE FUNCTION public.get_onboarding (
  workspace_id         uuid,
  user_id              uuid,
  phone_number_id      text DEFAULT NULL::text,
  waba_id              text DEFAULT NULL::text,
  display_phone_number text DEFAULT NULL::text
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.get_onboarding(workspace_id, user_id, phone_number_id, waba_id, display_phone_number);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_onboarding"(uuid, uuid, text, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."get_onboarding"(uuid, uuid, text, text, text) IS 'Whether a user may connect a number to a workspace, as far as is known of it; answers the user''s role. Backend. WA002, WA004, WA034, WA035.';

REVOKE ALL ON FUNCTION "public"."get_onboarding"(uuid, uuid, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_onboarding"(uuid, uuid, text, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_onboarding"(uuid, uuid, text, text, text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/get_queue_health.sql
CREATE OR REPLACE FUNCTION public.get_queue_health (
  max_rows    integer DEFAULT 20000,
  max_numbers integer DEFAULT 50
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET enable_bitmapscan TO 'off'
  AS $function$
begin
  return jsonb_build_object(
    'max_rows', max_rows,
    'journal', (
      select jsonb_build_object('received', count(*), 'oldest_seconds', extract(epoch from now() - min(received_at)))
      from (select received_at from public.webhook_events where state = 'received' order by lease_expires_at, id limit max_rows) as waiting),
    'set_aside', jsonb_build_object(
      'unrouted', (select count(*) from (select from public.webhook_events where state = 'unrouted' order by id limit max_rows) as one),
      'failed', (select count(*) from (select from public.webhook_events where state = 'failed' order by id limit max_rows) as one)),
    'outbox', private.get_outbox_health(max_rows, max_numbers),
    'uncertain', (
      select jsonb_build_object('waiting', count(*), 'oldest_seconds', extract(epoch from now() - min(uncertain_since)))
      from (select uncertain_since from public.outbox where uncertain_since is not null order by uncertain_since limit max_rows) as lost),
    'media', private.get_media_health(max_rows, max_numbers),
    'media_deadline_seconds', (
      select extract(epoch from deadline - now()) from public.media_downloads where lease_token is null order by deadline limit 1),
    'removals', (
      select jsonb_build_object('waiting', count(*), 'oldest_seconds', extract(epoch from now() - min(available_at)))
      from (select available_at from private.media_removals where available_at <= now() order by available_at limit max_rows) as due),
    'paused', (
      select coalesce(jsonb_agg(to_jsonb(stopped)), '[]')
      from (select phone_number_id, status_reason as reason from public.whatsapp_connections
        where status = 'paused' order by phone_number_id limit max_numbers) as stopped),
    'paused_numbers', (
      select count(*) from (select from public.whatsapp_connections
        where status = 'paused' order by phone_number_id limit max_rows) as stopped));
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_queue_health"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "public"."get_queue_health"(integer, integer) IS 'How far behind the queues are, and which numbers are paused. Counts end at `max_rows`; of numbers the `max_numbers` largest have a name, the rest is one. For /metrics; cheap enough for every few seconds.';

REVOKE ALL ON FUNCTION "public"."get_queue_health"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_queue_health"(integer, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_queue_health"(integer, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/get_uploaded_media.sql
CREATE OR REPLACE FUNCTION public.get_uploaded_media (
  connection_id uuid,
  path          text,
  version       text
)
  RETURNS text
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  select known.media_id
  from private.uploaded_media as known
  where known.connection_id = get_uploaded_media.connection_id and known.path = get_uploaded_media.path
    and known.version = get_uploaded_media.version and known.uploaded_at > now() - interval '29 days'
$function$;

GRANT EXECUTE ON FUNCTION "public"."get_uploaded_media"(uuid, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."get_uploaded_media"(uuid, text, text) IS 'The id under which WhatsApp holds this version of a file for this number; null when it has to be uploaded.';

REVOKE ALL ON FUNCTION "public"."get_uploaded_media"(uuid, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."get_uploaded_media"(uuid, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."get_uploaded_media"(uuid, text, text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/invite_member.sql
CREATE OR REPLACE FUNCTION public.invite_member (
  workspace_id uuid,
  email        text,
  role         text
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.invite_member(workspace_id, email, role);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."invite_member"(uuid, text, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."invite_member"(uuid, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."invite_member"(uuid, text, text) IS '{id, token, expires_at}: an invitation of an address, in place of an earlier one. The token is told only here: send it to them. Owner and admin; only owners invite owners. WA004, WA032, WA033, WA034.';

REVOKE ALL ON FUNCTION "public"."invite_member"(uuid, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."invite_member"(uuid, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."invite_member"(uuid, text, text) FROM PUBLIC, "anon";

-- public/functions/is_window_open.sql
CREATE OR REPLACE FUNCTION public.is_window_open (
  conversation public.conversations
)
  RETURNS boolean
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return coalesce(conversation.window_expires_at > now(), false);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."is_window_open"(public.conversations) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."is_window_open"(public.conversations) TO "service_role";

COMMENT ON FUNCTION "public"."is_window_open"(public.conversations) IS 'Whether free-form messages may be sent to this conversation now.';

REVOKE ALL ON FUNCTION "public"."is_window_open"(public.conversations) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."is_window_open"(public.conversations) TO "postgres";

REVOKE ALL ON FUNCTION "public"."is_window_open"(public.conversations) FROM PUBLIC, "anon";

-- public/functions/link_contact_to_conversation.sql
CREATE OR REPLACE FUNCTION public.link_contact_to_conversation (
  conversation_id uuid,
  contact_id      uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  if link_contact_to_conversation.contact_id is null then
    raise exception 'no such contact' using errcode = 'WA004';
  end if;
  perform private.link_contact(link_contact_to_conversation.conversation_id, link_contact_to_conversation.contact_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) IS 'Says which contact of the workspace a conversation is with. WA004, WA026.';

REVOKE ALL ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."link_contact_to_conversation"(uuid, uuid) FROM PUBLIC, "anon";

-- public/functions/mark_as_read.sql
CREATE OR REPLACE FUNCTION public.mark_as_read (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  select private.mark_as_read(mark_as_read.conversation_id)
$function$;

GRANT EXECUTE ON FUNCTION "public"."mark_as_read"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."mark_as_read"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."mark_as_read"(uuid) IS 'Sets a conversation''s unread count to nothing, and shows the customer blue ticks if the number has send_read_receipts. WA004 when there is no such conversation for the caller.';

REVOKE ALL ON FUNCTION "public"."mark_as_read"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."mark_as_read"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."mark_as_read"(uuid) FROM PUBLIC, "anon";

-- public/functions/media_url.sql
CREATE OR REPLACE FUNCTION public.media_url (
  message public.messages
)
  RETURNS text
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return case when message.media_status = 'stored' then '/storage/v1/object/authenticated/whatsapp-media/' || message.media_path end;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."media_url"(public.messages) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."media_url"(public.messages) TO "service_role";

COMMENT ON FUNCTION "public"."media_url"(public.messages) IS 'Where the file of a message is, below the project''s URL, for a GET with the member''s own token; null until it is stored. Asked for by name: select=id,media_url. For an <img>, storage.from(''whatsapp-media'').createSignedUrl(media_path, seconds) gives an address that needs no token.';

REVOKE ALL ON FUNCTION "public"."media_url"(public.messages) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."media_url"(public.messages) TO "postgres";

REVOKE ALL ON FUNCTION "public"."media_url"(public.messages) FROM PUBLIC, "anon";

-- public/functions/next_media.sql
CREATE OR REPLACE FUNCTION public.next_media (
  shares jsonb DEFAULT '{}'::jsonb
)
  RETURNS double precision
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  instant timestamptz := clock_timestamp();
begin
  return (
    -- Nobody waits: null, and greatest() would make a zero of it.
    select case when count(head.at) > 0 then greatest(0, extract(epoch from min(greatest(head.at,
      -- All that may be fetched at once is being fetched, and nobody knows how long that takes.
      case when number.free = 0 then instant + interval '1 second' end)) - instant)) end
    from private.media_numbers(instant, shares) as number
    cross join lateral (
      (select instant as at from public.media_downloads as item
       where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is null and item.deadline > instant
       limit 1)
      union all
      (select item.available_at from public.media_downloads as item
       where item.connection_id = number.connection_id and item.lease_token is null and item.available_at is not null
       order by item.available_at nulls first limit 1)
    ) as head);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."next_media"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."next_media"(jsonb) IS 'In how many seconds a claim with these shares may find something, as far as can be known now; null when nothing waits.';

REVOKE ALL ON FUNCTION "public"."next_media"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."next_media"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."next_media"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/next_outbound.sql
CREATE OR REPLACE FUNCTION public.next_outbound (
  shares jsonb DEFAULT '{}'::jsonb
)
  RETURNS double precision
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
begin
  return (
    -- Nobody waits: null, and greatest() would make a zero of it.
    select case when count(*) > 0 then greatest(0, extract(epoch from min(greatest(head.ready_at, (number.pace).held_until,
      -- A full second's worth is on its way; somebody's second is over soon.
      case when private.number_tokens(number.connection, number.pace) = 0 then clock_timestamp() + interval '50 milliseconds' end))
      - clock_timestamp())) end
    from private.waiting_numbers(shares) as number
    cross join lateral (
      select min(ready_at) as ready_at from (
        select (select min(ready_at) from public.outbox where connection_id = (number.connection).id and priority = level and ready_at is not null) as ready_at
        from generate_series(0, 2) as level) as each) as head);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."next_outbound"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."next_outbound"(jsonb) IS 'In how many seconds a claim with these shares may find something, as far as can be known now; null when nothing waits.';

REVOKE ALL ON FUNCTION "public"."next_outbound"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."next_outbound"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."next_outbound"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/next_removals.sql
CREATE OR REPLACE FUNCTION public.next_removals()
  RETURNS double precision
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  AS $function$
begin
  return (
    select greatest(0, extract(epoch from available_at - clock_timestamp()))
    from private.media_removals order by available_at limit 1);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."next_removals"() TO "service_role";

COMMENT ON FUNCTION "public"."next_removals"() IS 'In how many seconds a claim may find something; null when nothing waits.';

REVOKE ALL ON FUNCTION "public"."next_removals"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."next_removals"() TO "postgres";

REVOKE ALL ON FUNCTION "public"."next_removals"() FROM PUBLIC, "anon", "authenticated";

-- public/functions/pause_connection.sql
CREATE OR REPLACE FUNCTION public.pause_connection (
  connection_id uuid,
  reason        text DEFAULT 'operator'::text
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.set_connection_paused(connection_id, coalesce(nullif(btrim(reason), ''), 'operator'));
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."pause_connection"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."pause_connection"(uuid, text) TO "service_role";

COMMENT ON FUNCTION "public"."pause_connection"(uuid, text) IS 'Nothing more is sent from a number: its queue waits and nothing fails. Owner and admin. WA004, WA032.';

REVOKE ALL ON FUNCTION "public"."pause_connection"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."pause_connection"(uuid, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."pause_connection"(uuid, text) FROM PUBLIC, "anon";

-- public/functions/receive_inbound.sql
CREATE OR REPLACE FUNCTION public.receive_inbound (
  text
)
  RETURNS bigint[]
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  ids bigint[];
begin
  -- Records parted by RS, fields by US: two control characters that no JSON text can contain. So nothing between the
  -- socket and the table has to parse, escape or alter a body.
  with received as (
    insert into public.webhook_events (provider, phone_number_id, waba_id, body, lease_expires_at)
    select
      split_part(record, e'\x1f', 1),
      nullif(split_part(record, e'\x1f', 2), ''),
      nullif(split_part(record, e'\x1f', 3), ''),
      split_part(record, e'\x1f', 4)::json,
      -- Whoever receives also normalises; only when it has not by then does a sweep take over.
      now() + interval '15 seconds'
    from string_to_table($1, e'\x1e') with ordinality as framed (record, place)
    order by place
    returning id
  )
  select array_agg(id order by id) into ids from received;
  return ids;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."receive_inbound"(text) TO "service_role";

COMMENT ON FUNCTION "public"."receive_inbound"(text) IS 'Commits webhook bodies. Takes records "provider US phone_number_id US waba_id US body" parted by RS; gives their ids in the same order.';

REVOKE ALL ON FUNCTION "public"."receive_inbound"(text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."receive_inbound"(text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."receive_inbound"(text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_chores.sql
CREATE OR REPLACE FUNCTION public.record_chores (
  results jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  held private.connection_chores[];
begin
  -- results: [{lease_token, outcome: done|retry|release, wait_seconds?, error?, key_refused?}]
  -- The number before its chore, as whoever sets a credential has them.
  perform from public.whatsapp_connections as connection
  where connection.id in (
    select chore.connection_id
    from jsonb_to_recordset(results) as result (lease_token uuid, key_refused boolean)
    join private.connection_chores as chore on chore.lease_token = result.lease_token
    where result.key_refused)
  order by connection.id for no key update;
  held := array(
    select chore from private.connection_chores as chore
    join jsonb_to_recordset(results) as result (lease_token uuid) on chore.lease_token = result.lease_token
    order by chore.kind, chore.connection_id for update of chore);
  update public.whatsapp_connections as connection set
    status = 'paused', status_reason = 'credential', last_error = result.error || jsonb_build_object('at', now())
  from unnest(held) as chore
  join jsonb_to_recordset(results) as result (lease_token uuid, error jsonb, key_refused boolean) on result.lease_token = chore.lease_token
  where result.key_refused and connection.id = chore.connection_id and connection.status = 'active'
    and not private.has_newer_credential(chore.connection_id, chore.started_at);
  update private.connection_chores as chore set
    lease_token = null,
    lease_expires_at = null,
    due_at = case
      when result.outcome = 'release' then now()
      when chore.due_at < chore.lease_expires_at then chore.due_at
      else now() + make_interval(secs => coalesce(result.wait_seconds, 60)) end,
    attempts = case result.outcome when 'done' then 0 when 'release' then chore.attempts - 1 else chore.attempts end,
    done_at = case when result.outcome = 'done' then now() else chore.done_at end,
    error = case result.outcome when 'done' then null when 'release' then chore.error else result.error end
  from unnest(held) as mine
  join jsonb_to_recordset(results) as result (lease_token uuid, outcome text, wait_seconds double precision, error jsonb)
    on result.lease_token = mine.lease_token
  where chore.lease_token = mine.lease_token;
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_chores"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_chores"(jsonb) IS 'What became of leased chores and when they are due next; a refused key pauses its number, unless it has another by now. Returns how many were still held.';

REVOKE ALL ON FUNCTION "public"."record_chores"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_chores"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_chores"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_inbound.sql
CREATE OR REPLACE FUNCTION public.record_inbound (
  events               jsonb,
  messages             jsonb,
  statuses             jsonb,
  default_workspace_id uuid  DEFAULT NULL::uuid,
  facts                jsonb DEFAULT '[]'::jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET lock_timeout TO '3s'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  numbers text[] := private.numbers_in(events, messages, statuses, facts);
  wabas text[] := private.wabas_in(events, facts);
  moved jsonb;
  unknown text[];
  arrived private.inbound_message[];
  reports private.inbound_status[];
begin
  -- events: [{ids, numbers: [{phone_number_id, waba_id, display_phone_number, provider}], wabas, kinds, problem?}], or id for ids
  -- messages, statuses, facts: the fields of private.inbound_message, private.inbound_status and private.inbound_fact
  -- No wait for the disk: the journal is on it, and if the machine stops before this is, its events are still to be
  -- recorded there. But where few come nobody's commit flushes the log soon after, and until it is flushed Realtime tells
  -- nobody, neither the worker of a file nor a browser of a message: 0.2 to 0.6 s (wal_writer_delay).
  if jsonb_array_length(messages) + jsonb_array_length(statuses) > 8 then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if default_workspace_id is not null then
    perform private.ensure_connections(events, default_workspace_id);
  end if;
  -- Recordings of one number take turns. They would meet at its threads and people anyway, each holding what the other
  -- waits for. First of all, for a number moves in a turn of its own: what is looked up from here on stays as it is.
  perform private.take_turns(numbers, wabas);
  moved := private.moved_numbers(numbers);
  if moved is not null then
    messages := private.forwarded(messages, moved);
    statuses := private.forwarded(statuses, moved);
    facts := private.forwarded(facts, moved);
  end if;
  -- Before the items are looked at: what is connected a moment later is set aside and applied again, never passed over.
  unknown := private.unknown_of(numbers, wabas);
  arrived := private.arrived_messages(messages);
  reports := private.arrived_statuses(statuses);
  if arrived <> '{}' then
    perform private.record_messages(arrived);
  end if;
  if reports <> '{}' then
    perform private.record_statuses(reports);
  end if;
  if facts <> '[]' then
    perform private.record_facts(facts);
  end if;
  if facts <> '[]' or exists (
      select from unnest(reports) where error is not null and (private.tells_of_templates(error) or private.tells_of_number(error))) then
    perform private.ask_after_inbound(facts, reports);
  end if;
  perform private.close_events(events, unknown);
  return jsonb_array_length(messages);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_inbound"(jsonb, jsonb, jsonb, uuid, jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_inbound"(jsonb, jsonb, jsonb, uuid, jsonb) IS 'Applies normalised events in one transaction and closes them in the journal. Applying anything twice changes nothing.';

REVOKE ALL ON FUNCTION "public"."record_inbound"(jsonb, jsonb, jsonb, uuid, jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_inbound"(jsonb, jsonb, jsonb, uuid, jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_inbound"(jsonb, jsonb, jsonb, uuid, jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_lost_media.sql
CREATE OR REPLACE FUNCTION public.record_lost_media (
  losses jsonb
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  SET lock_timeout TO '500ms'
  AS $function$
declare
  loss record;
  message public.messages;
  is_queued boolean;
  repair text;
  repairs jsonb := '[]';
begin
  -- losses: [{message_id, problem: stuck|missing|size|hash, path}] as verify_media gives them, each looked at once more.
  for loss in
    select * from jsonb_to_recordset(losses) as told (message_id uuid, problem text, path text)
    order by told.message_id, told.problem desc
  loop
    -- The queue's row is locked before the message, as everywhere.
    perform from public.media_downloads as waiting where waiting.message_id = loss.message_id for update;
    is_queued := found;
    select * into message from public.messages as wanted where wanted.id = loss.message_id for no key update;
    repair := 'unchanged';
    if loss.problem = 'stuck' and is_queued and message.media_status = 'stored' then
      delete from public.media_downloads as waiting where waiting.message_id = message.id;
      repair := 'unqueued';
    elsif loss.problem = 'stuck' and is_queued and coalesce(message.media_status not in ('pending', 'downloading'), true) then
      update public.messages as waiting set media_status = 'pending', media_error = null where waiting.id = message.id;
      repair := 'queued';
    elsif loss.problem = 'stuck' and not is_queued and message.media_status in ('pending', 'downloading') then
      repair := private.lose_media(message);
    elsif loss.problem in ('missing', 'size', 'hash') and not is_queued and message.media_status = 'stored'
      and message.media_path is not distinct from loss.path
      and (loss.problem = 'hash' or not exists (
        select from storage.objects as object
        where object.bucket_id = 'whatsapp-media' and object.name = message.media_path
          and object.metadata ->> 'size' is not distinct from message.media_size::text)) then
      repair := private.lose_media(message);
    end if;
    repairs := repairs || jsonb_build_object('message_id', loss.message_id, 'problem', loss.problem, 'repair', repair);
  end loop;
  return repairs;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_lost_media"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_lost_media"(jsonb) IS 'Repairs what verify_media found and is still so: [{message_id, problem, repair: queued|expired|unqueued|unchanged}]. A second time changes nothing.';

REVOKE ALL ON FUNCTION "public"."record_lost_media"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_lost_media"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_lost_media"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_media.sql
CREATE OR REPLACE FUNCTION public.record_media (
  results jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET lock_timeout TO '500ms'
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  -- results: [{message_id, lease_token, outcome: stored|retry|failed|expired|corrupt, path?, mime_type?, size?, sha256?,
  --            width?, height?, duration?, retry_after?, error?}]
  held private.media_result[] := private.held_files(results);
begin
  if held = '{}' then
    return 0;
  end if;
  perform from public.messages where id in (select message_id from unnest(held)) order by id for no key update;

  update public.messages as message set
    media_status = case result.outcome when 'retry' then 'pending' else result.outcome end,
    media_error = result.error
  from unnest(held) as result
  -- What is stored stays: a file that the queue has by mistake takes nothing away.
  where message.id = result.message_id and result.outcome <> 'stored' and message.media_status is distinct from 'stored';

  -- At once: frontends hear of each update, and whoever hears that a file is there looks where it is.
  update public.messages as message set
    media_status = 'stored',
    media_error = null,
    media_path = result.path,
    media_mime_type = coalesce(result.mime_type, message.media_mime_type),
    media_size = result.size,
    media_sha256 = coalesce(result.sha256, message.media_sha256),
    -- Out of the file itself, which may claim anything.
    media_width = case when result.width between 1 and 2147483647 then result.width end,
    media_height = case when result.height between 1 and 2147483647 then result.height end,
    media_duration = case when result.duration between 0 and 10000000 then result.duration end
  from unnest(held) as result
  where message.id = result.message_id and result.outcome = 'stored';

  update public.media_downloads as item set
    lease_token = null, lease_expires_at = null,
    -- However long it is to wait, it is tried once more before the provider forgets it.
    available_at = least(
      now() + least(greatest(result.retry_after, 0), 604800) * interval '1 second',
      case when item.deadline > now() + interval '30 seconds' then item.deadline - interval '30 seconds' end)
  from unnest(held) as result
  where item.message_id = result.message_id and result.outcome = 'retry';

  delete from public.media_downloads as item
  using unnest(held) as result, public.messages as message
  where item.message_id = result.message_id and message.id = result.message_id
    and (result.outcome <> 'retry' or message.media_status = 'stored');
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_media"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_media"(jsonb) IS 'Records what became of leased downloads and returns how many were still held. A result with an old token changes nothing.';

REVOKE ALL ON FUNCTION "public"."record_media"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_media"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_media"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_migration.sql
CREATE OR REPLACE FUNCTION public.record_migration (
  connection_id        uuid,
  provider             text,
  phone_number_id      text,
  credential           text,
  waba_id              text DEFAULT NULL::text,
  display_phone_number text DEFAULT NULL::text
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
declare
  known public.whatsapp_connections;
begin
  -- Recordings of the number are waited for: none sees it under both ids.
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  select * into known from public.whatsapp_connections as connection where connection.id = connection_id for update;
  if not found then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  perform private.need_place(connection_id, provider, phone_number_id, waba_id, display_phone_number);
  perform private.set_connection_credential(connection_id, credential);
  if (known.provider, known.phone_number_id) = (provider, phone_number_id) and known.waba_id is not distinct from waba_id then
    return false;
  end if;
  update public.whatsapp_connections as connection set
    provider = record_migration.provider,
    phone_number_id = record_migration.phone_number_id,
    waba_id = record_migration.waba_id,
    display_phone_number = coalesce(record_migration.display_phone_number, known.display_phone_number),
    former_ids = array(
      select distinct former.id from unnest(known.former_ids || known.phone_number_id || known.waba_id) as former (id)
      where former.id is not null and former.id is distinct from phone_number_id and former.id is distinct from waba_id
      order by former.id),
    -- Nothing is sent before its webhooks come here; what it was stopped for otherwise, it stays stopped for.
    status = 'paused',
    status_reason = case when known.status = 'paused' and known.status_reason <> 'credential'
      then known.status_reason else 'migration' end,
    quality_rating = null,
    last_error = null
  where connection.id = connection_id;
  -- Files that WhatsApp was given belong to the former number.
  delete from private.uploaded_media as known_file where known_file.connection_id = record_migration.connection_id;
  return true;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_migration"(uuid, text, text, text, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."record_migration"(uuid, text, text, text, text, text) IS 'Moves a number to another provider, account or id, with its new credential; paused as `migration` until it is resumed. Threads, messages and templates stay; answers whether it was elsewhere before. WA004, WA006, WA032, WA035.';

REVOKE ALL ON FUNCTION "public"."record_migration"(uuid, text, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_migration"(uuid, text, text, text, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_migration"(uuid, text, text, text, text, text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_number_health.sql
CREATE OR REPLACE FUNCTION public.record_number_health (
  connection_id uuid,
  health        jsonb,
  as_of         timestamp with time zone
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  -- health: {quality_rating, display_phone_number, verified_name, can_send_message, problems: [text],
  -- messages_per_second, phone_number_id, waba_id}
  known public.whatsapp_connections;
begin
  select * into known from public.whatsapp_connections as connection
  where connection.id = record_number_health.connection_id for no key update;
  if known.id is null or (known.provider_notices #>> '{health,at}')::timestamptz >= record_number_health.as_of then
    return known.status;
  end if;
  if health ->> 'can_send_message' = 'BLOCKED' and known.status = 'active' then
    known.status := 'paused';
    known.status_reason := 'blocked';
    known.last_error := jsonb_build_object('code', 'blocked', 'class', 'PAUSE',
      'title', coalesce(health #>> '{problems,0}', 'WhatsApp lets this number send nothing'),
      'remedy', 'Look at the number in WhatsApp Manager; it goes on by itself once WhatsApp lets it.', 'at', now());
  elsif health ->> 'can_send_message' in ('AVAILABLE', 'LIMITED') and known.status = 'paused' and known.status_reason = 'blocked' then
    known.status := 'active';
    known.status_reason := null;
    known.last_error := null;
  end if;
  update public.whatsapp_connections as connection set
    quality_rating = coalesce(health ->> 'quality_rating', connection.quality_rating),
    display_phone_number = coalesce(health ->> 'display_phone_number', connection.display_phone_number),
    -- Once, when WhatsApp's word changes: what an operator sets afterwards stays.
    messages_per_second = case
      when (health ->> 'messages_per_second')::integer
        <> coalesce((known.provider_notices #>> '{health,value,messages_per_second}')::integer, 80)
      then (health ->> 'messages_per_second')::integer else connection.messages_per_second end,
    provider_notices = connection.provider_notices
      || jsonb_build_object('health', jsonb_build_object('at', record_number_health.as_of, 'value', health)),
    status = known.status, status_reason = known.status_reason, last_error = known.last_error
  where connection.id = known.id;
  if known.verified_at is null and health ->> 'phone_number_id' = known.phone_number_id then
    -- The key that a member has set is this number's. An account that they wrote beside it and that is another's stays so.
    update public.whatsapp_connections as connection set
      verified_at = now(),
      waba_id = case
        when health ->> 'waba_id' is null or health ->> 'waba_id' = known.waba_id then known.waba_id
        when not exists (
          select from public.whatsapp_connections as other
          where other.waba_id = health ->> 'waba_id' and other.workspace_id <> known.workspace_id) then health ->> 'waba_id' end
    where connection.id = known.id;
  end if;
  return known.status;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_number_health"(uuid, jsonb, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "public"."record_number_health"(uuid, jsonb, timestamp with time zone) IS 'What the provider says of a number: names, quality, speed, and provider_notices.health. Pauses a BLOCKED one as blocked, and lets it go on once it may send. What only a member has said to be theirs is verified by it. Answers its status.';

REVOKE ALL ON FUNCTION "public"."record_number_health"(uuid, jsonb, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_number_health"(uuid, jsonb, timestamp WITH time zone) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_number_health"(uuid, jsonb, timestamp WITH time zone) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_onboarding.sql
CREATE OR REPLACE FUNCTION public.record_onboarding (
  workspace_id         uuid,
  user_id              uuid,
  provider             text,
  phone_number_id      text,
  waba_id              text,
  display_phone_number text,
  credential           text
)
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.record_onboarding(
    workspace_id, user_id, provider, phone_number_id, waba_id, display_phone_number, credential);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_onboarding"(uuid, uuid, text, text, text, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."record_onboarding"(uuid, uuid, text, text, text, text, text) IS 'Connects a number in the name of a user, its key into Vault, in one step; the same number again is the same connection. Backend. WA002, WA004, WA006, WA032, WA034, WA035.';

REVOKE ALL ON FUNCTION "public"."record_onboarding"(uuid, uuid, text, text, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_onboarding"(uuid, uuid, text, text, text, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_onboarding"(uuid, uuid, text, text, text, text, text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_outbound.sql
CREATE OR REPLACE FUNCTION public.record_outbound (
  results jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET plan_cache_mode TO 'force_generic_plan'
  AS $function$
declare
  -- results: [{message_id, lease_token, outcome, wamid?, retry_after?, scope?, reason?, error?}]; docs/outbound.md
  -- A retry without retry_after: nothing has left.
  held private.send_result[] := private.held_results(results);
  ids uuid[] := array(select message_id from unnest(held));
begin
  if held = '{}' then
    return 0;
  end if;
  -- The outbox's lock, then the message's: a status report for it waits, or has been written and is seen below.
  perform from public.messages where id = any (ids) order by id for no key update;

  update public.messages as message set
    status = case
      when private.status_rank(message.status) > 0 then message.status
      when result.outcome = 'done' then 'sent' when result.outcome in ('reject', 'suppress') then 'failed'
      when result.outcome = 'uncertain' then 'uncertain' else 'queued' end,
    wamid = coalesce(message.wamid, result.wamid),
    sent_at = case when result.outcome = 'done' then coalesce(message.sent_at, now()) else message.sent_at end,
    failed_at = case when result.outcome in ('reject', 'suppress') then now() else message.failed_at end,
    error = case when result.outcome = 'done' then null else coalesce(result.error, message.error) end
  from unnest(held) as result
  where message.id = result.message_id;

  perform private.pace_pairs(held);
  perform private.pace_numbers(held);
  if exists (select from unnest(held) where outcome = 'pause') then
    perform private.pause_numbers(held);
  end if;
  if exists (select from unnest(held) where outcome = 'suppress') then
    perform private.suppress_contacts(held);
  end if;
  if exists (select from unnest(held) where error is not null and private.tells_of_templates(error)) then
    perform private.ask_for_chores(array(
      select distinct connection_id from unnest(held) where error is not null and private.tells_of_templates(error)), 'templates', interval '0');
  end if;

  delete from public.outbox as item using unnest(held) as result
  where item.message_id = result.message_id and result.outcome in ('done', 'reject', 'suppress');

  update public.outbox as item set
    lease_token = null,
    leased_at = null,
    lease_expires_at = null,
    -- A throttle, a stopped number or a way that is closed is no fault of the message.
    attempts = item.attempts - (result.outcome in ('throttle', 'pause') or result.outcome = 'retry' and result.retry_after is null)::integer,
    unsent = case when result.outcome = 'retry' and result.retry_after is null then item.unsent + 1 else 0 end,
    -- Nothing left: 2 seconds, 4, 8 … a minute at most, with jitter, so that what failed together does not come back together.
    available_at = case when result.outcome = 'retry' then now() + interval '1 second'
      * coalesce(result.retry_after, least(2 * power(2, least(item.unsent, 10)), 60) * (0.75 + random() / 4)) else item.available_at end,
    uncertain_since = case when result.outcome = 'uncertain' then now() end
  from unnest(held) as result
  where item.message_id = result.message_id and result.outcome not in ('done', 'reject', 'suppress');

  perform private.apply_statuses(ids);
  perform private.set_heads(array(
    select conversation_id from unnest(held) where outcome not in ('done', 'reject', 'suppress')));
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_outbound"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_outbound"(jsonb) IS 'Records outcomes of leased sends and returns how many were still held. An outcome with an old token changes nothing.';

REVOKE ALL ON FUNCTION "public"."record_outbound"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_outbound"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_outbound"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_receipts.sql
CREATE OR REPLACE FUNCTION public.record_receipts (
  results jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  held uuid[];
begin
  -- results: [{lease_token, outcome: done|retry}]
  held := array(
    select item.lease_token from private.receipts as item
    join jsonb_to_recordset(results) as result (lease_token uuid) on item.lease_token = result.lease_token
    order by item.conversation_id, item.kind for update of item);
  delete from private.receipts as item
  using jsonb_to_recordset(results) as result (lease_token uuid, outcome text)
  where item.lease_token = any (held) and item.lease_token = result.lease_token
    and (result.outcome <> 'retry' or item.attempts >= 3);
  update private.receipts as item set lease_token = null, lease_expires_at = null, available_at = now() + interval '2 seconds'
  where item.lease_token = any (held);
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_receipts"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_receipts"(jsonb) IS 'Removes receipts that were given, and those that failed for the third time. A newer one in their place stays.';

REVOKE ALL ON FUNCTION "public"."record_receipts"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_receipts"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_receipts"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_removals.sql
CREATE OR REPLACE FUNCTION public.record_removals (
  results jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  held private.media_removals[];
  removal private.media_removals;
  outcome record;
begin
  -- results: [{prefix, lease_token, removed: how many objects went, error?: {code, title}}]
  held := array(
    select item from private.media_removals as item
    join jsonb_to_recordset(results) as result (prefix text, lease_token uuid)
      on item.prefix = result.prefix and item.lease_token = result.lease_token
    order by item.prefix for update of item);
  foreach removal in array held loop
    select result.removed, result.error into outcome
    from jsonb_to_recordset(results) as result (prefix text, removed integer, error jsonb)
    where result.prefix = removal.prefix;
    if not exists (select private.objects_under(removal.prefix, 1)) then
      perform private.end_removal(removal);
    elsif outcome.error is null and outcome.removed > 0 then
      -- The next page, after whoever has been waiting for longer.
      update private.media_removals as item set lease_token = null, attempts = 0, error = null, available_at = now()
      where item.prefix = removal.prefix;
    else
      update private.media_removals as item set lease_token = null,
        available_at = now() + make_interval(secs => least(3600, 2 ^ least(item.attempts, 12))),
        error = coalesce(outcome.error, '{"code": "left", "title": "Storage removed nothing"}')
      where item.prefix = removal.prefix;
    end if;
  end loop;
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_removals"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."record_removals"(jsonb) IS 'Ends prefixes under which nothing is left; the others wait for their next page or, twice as long each time, for Storage.';

REVOKE ALL ON FUNCTION "public"."record_removals"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_removals"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_removals"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_templates.sql
CREATE OR REPLACE FUNCTION public.record_templates (
  connection_id uuid,
  templates     jsonb,
  as_of         timestamp with time zone,
  complete      boolean                  DEFAULT true
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  home uuid := (select workspace_id from public.whatsapp_connections where id = record_templates.connection_id);
  -- Webhooks count whole seconds, clocks differ and a list may lag: a webhook of the last moments knows better.
  listed_at timestamptz := record_templates.as_of - interval '5 seconds';
  listed private.listed_template[];
  added integer;
  changed integer;
  deleted integer := 0;
begin
  if home is null then
    raise exception 'no such connection' using errcode = 'WA004';
  end if;
  listed := array(
    select distinct on (told.name, told.language) told
    from jsonb_populate_recordset(null::private.listed_template, record_templates.templates) as told
    where told.name is not null and told.language is not null
    order by told.name, told.language);
  -- Webhooks of the number take the same turns, so neither waits for a row that the other holds.
  perform pg_advisory_xact_lock(private.turn_of(record_templates.connection_id));

  insert into public.message_templates (
    workspace_id, connection_id, provider_template_id, name, language, category, status, quality, components, reason, as_of, synced_at)
  select home, record_templates.connection_id, told.provider_template_id, told.name, told.language, told.category,
    coalesce(told.status, 'UNKNOWN'), told.quality, coalesce(told.components, '[]'), told.reason,
    jsonb_build_object('status', listed_at, 'category', listed_at, 'quality', listed_at, 'components', listed_at), listed_at
  from unnest(listed) as told
  on conflict (workspace_id, connection_id, name, language) do nothing;
  get diagnostics added = row_count;

  update public.message_templates as template set
    provider_template_id = (merged.row).provider_template_id, status = (merged.row).status, reason = (merged.row).reason,
    category = (merged.row).category, quality = (merged.row).quality, components = (merged.row).components,
    as_of = (merged.row).as_of, synced_at = listed_at
  from (
    select known.id, private.merge_listed(known, told, listed_at) as row, known
    from unnest(listed) as told
    join public.message_templates as known on known.workspace_id = home and known.connection_id = record_templates.connection_id
      and known.name = told.name and known.language = told.language
    offset 0
  ) as merged
  where template.id = merged.id and merged.row is distinct from merged.known;
  get diagnostics changed = row_count;

  if complete then
    -- The row stays: messages name it, and it says what it was.
    update public.message_templates as template set
      status = 'DELETED', as_of = template.as_of || jsonb_build_object('status', listed_at), synced_at = listed_at
    where template.workspace_id = home and template.connection_id = record_templates.connection_id and template.status <> 'DELETED'
      and template.synced_at <= listed_at and private.may_speak(template.as_of, 'status', listed_at)
      and not exists (select from unnest(listed) as told where told.name = template.name and told.language = template.language);
    get diagnostics deleted = row_count;
  end if;
  return jsonb_build_object('listed', cardinality(listed), 'added', added, 'changed', changed, 'deleted', deleted);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_templates"(uuid, jsonb, timestamp WITH time zone, boolean) TO "service_role";

COMMENT ON FUNCTION "public"."record_templates"(uuid, jsonb, timestamp with time zone, boolean) IS 'Templates as the provider listed them at that time: new ones, what has changed, and what a complete listing no longer has as DELETED; newer words of webhooks stay. Answers {listed, added, changed, deleted}. WA004.';

REVOKE ALL ON FUNCTION "public"."record_templates"(uuid, jsonb, timestamp WITH time zone, boolean) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_templates"(uuid, jsonb, timestamp WITH time zone, boolean) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_templates"(uuid, jsonb, timestamp WITH time zone, boolean) FROM PUBLIC, "anon", "authenticated";

-- public/functions/record_uploaded_media.sql
CREATE OR REPLACE FUNCTION public.record_uploaded_media (
  connection_id uuid,
  path          text,
  version       text,
  media_id      text
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  recorded integer;
begin
  insert into private.uploaded_media as known (workspace_id, connection_id, path, version, media_id)
  select connection.workspace_id, connection.id, record_uploaded_media.path, record_uploaded_media.version, record_uploaded_media.media_id
  from public.whatsapp_connections as connection where connection.id = record_uploaded_media.connection_id
  on conflict (connection_id, path) do update set
    version = excluded.version, media_id = excluded.media_id, uploaded_at = excluded.uploaded_at;
  get diagnostics recorded = row_count;
  return recorded;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."record_uploaded_media"(uuid, text, text, text) TO "service_role";

COMMENT ON FUNCTION "public"."record_uploaded_media"(uuid, text, text, text) IS 'Remembers an upload in the place of any older one of the same path.';

REVOKE ALL ON FUNCTION "public"."record_uploaded_media"(uuid, text, text, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."record_uploaded_media"(uuid, text, text, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."record_uploaded_media"(uuid, text, text, text) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_claims.sql
CREATE OR REPLACE FUNCTION public.release_claims (
  phone_number_id text,
  waba_id         text DEFAULT NULL::text,
  workspace_id    uuid DEFAULT NULL::uuid
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.release_claims(phone_number_id, waba_id, workspace_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_claims"(text, text, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."release_claims"(text, text, uuid) IS 'For whoever has shown a provider''s key of a number: other workspaces that have only written it or its account down lose it. workspace_id: whose it is to be. Answers of how many numbers.';

REVOKE ALL ON FUNCTION "public"."release_claims"(text, text, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_claims"(text, text, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_claims"(text, text, uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_connection.sql
CREATE OR REPLACE FUNCTION public.release_connection (
  connection_id uuid
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.release_connection(connection_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_connection"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."release_connection"(uuid) IS 'Disconnects a number: nothing is sent any more, its credential is forgotten, its threads stay; answers whether it was connected. WA004.';

REVOKE ALL ON FUNCTION "public"."release_connection"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_connection"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_connection"(uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_inbound.sql
CREATE OR REPLACE FUNCTION public.release_inbound (
  event_ids bigint[]
)
  RETURNS integer
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  with released as (
    update public.webhook_events
    set state = 'received', attempts = 0, error = null, missing = null, processed_at = null, lease_expires_at = now(),
      replayed_at = now()
    where id in (select id from public.webhook_events where id = any (event_ids) order by id for update)
    returning 1
  )
  select count(*)::integer from released
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_inbound"(bigint[]) TO "service_role";

COMMENT ON FUNCTION "public"."release_inbound"(bigint[]) IS 'Back to the beginning: the events are normalised and applied again. Safe at any time.';

REVOKE ALL ON FUNCTION "public"."release_inbound"(bigint[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_inbound"(bigint[]) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_inbound"(bigint[]) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_media.sql
CREATE OR REPLACE FUNCTION public.release_media (
  leases jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET lock_timeout TO '500ms'
  AS $function$
declare
  held private.media_result[] := private.held_files(leases);
begin
  if held = '{}' then
    return 0;
  end if;
  perform from public.messages where id in (select message_id from unnest(held)) order by id for no key update;
  update public.messages as message set media_status = 'pending'
  from unnest(held) as lease where message.id = lease.message_id and message.media_status = 'downloading';
  update public.media_downloads as item set lease_token = null, lease_expires_at = null, attempts = item.attempts - 1
  from unnest(held) as lease where item.message_id = lease.message_id;
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_media"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."release_media"(jsonb) IS 'Gives leased downloads back; costs no attempt.';

REVOKE ALL ON FUNCTION "public"."release_media"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_media"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_media"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_number.sql
CREATE OR REPLACE FUNCTION public.release_number (
  connection_id uuid
)
  RETURNS text
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  return private.release_number(connection_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_number"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."release_number"(uuid) IS 'Disconnects a number and gives its ids up, so that any workspace may connect it; threads stay where they are. Answers the id it had. WA004.';

REVOKE ALL ON FUNCTION "public"."release_number"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_number"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_number"(uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_outbound.sql
CREATE OR REPLACE FUNCTION public.release_outbound (
  leases jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  -- leases: [{message_id, lease_token}] of messages whose sending has not begun.
  held private.send_result[] := private.held_results(leases);
begin
  if held = '{}' then
    return 0;
  end if;
  update public.outbox as item set lease_token = null, leased_at = null, lease_expires_at = null, attempts = item.attempts - 1
  from unnest(held) as lease where item.message_id = lease.message_id;
  update public.messages as message set status = 'queued'
  from unnest(held) as lease where message.id = lease.message_id and message.status = 'sending';
  perform private.set_heads(array(select conversation_id from unnest(held)));
  return cardinality(held);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_outbound"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."release_outbound"(jsonb) IS 'Gives leased messages back unsent; costs no attempt.';

REVOKE ALL ON FUNCTION "public"."release_outbound"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_outbound"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_outbound"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_removals.sql
CREATE OR REPLACE FUNCTION public.release_removals (
  leases jsonb
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  released integer;
begin
  update private.media_removals as item set lease_token = null, attempts = item.attempts - 1, available_at = now()
  from (
    select held.prefix from private.media_removals as held
    join jsonb_to_recordset(leases) as lease (lease_token uuid) on held.lease_token = lease.lease_token
    order by held.prefix for update of held
  ) as lease
  where item.prefix = lease.prefix;
  get diagnostics released = row_count;
  return released;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_removals"(jsonb) TO "service_role";

COMMENT ON FUNCTION "public"."release_removals"(jsonb) IS 'Gives leased prefixes back; costs no attempt.';

REVOKE ALL ON FUNCTION "public"."release_removals"(jsonb) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_removals"(jsonb) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_removals"(jsonb) FROM PUBLIC, "anon", "authenticated";

-- public/functions/release_uploaded_media.sql
CREATE OR REPLACE FUNCTION public.release_uploaded_media (
  connection_id uuid,
  media_ids     text[]
)
  RETURNS boolean
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
begin
  -- A young upload is not gone: the refusal means something else, and a campaign of such must not upload each time.
  delete from private.uploaded_media as known
  where known.connection_id = release_uploaded_media.connection_id and known.media_id = any (media_ids)
    and known.uploaded_at < now() - interval '10 minutes';
  return found or not exists (
    select from private.uploaded_media as known
    where known.connection_id = release_uploaded_media.connection_id and known.media_id = any (media_ids));
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."release_uploaded_media"(uuid, text[]) TO "service_role";

COMMENT ON FUNCTION "public"."release_uploaded_media"(uuid, text[]) IS 'Forgets ids that WhatsApp says it does not know; whether uploading anew is worth a try.';

REVOKE ALL ON FUNCTION "public"."release_uploaded_media"(uuid, text[]) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."release_uploaded_media"(uuid, text[]) TO "postgres";

REVOKE ALL ON FUNCTION "public"."release_uploaded_media"(uuid, text[]) FROM PUBLIC, "anon", "authenticated";

-- public/functions/remove_member.sql
CREATE OR REPLACE FUNCTION public.remove_member (
  workspace_id uuid,
  user_id      uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  SET statement_timeout TO '60s'
  AS $function$
begin
  perform private.remove_member(workspace_id, user_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."remove_member"(uuid, uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."remove_member"(uuid, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."remove_member"(uuid, uuid) IS 'Ends a membership at once: one''s own, or as owner anybody''s, as admin that of admins and agents. The last owner stays. WA004, WA030, WA034.';

REVOKE ALL ON FUNCTION "public"."remove_member"(uuid, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."remove_member"(uuid, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."remove_member"(uuid, uuid) FROM PUBLIC, "anon";

-- public/functions/resume_connection.sql
CREATE OR REPLACE FUNCTION public.resume_connection (
  connection_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.set_connection_paused(connection_id, null);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."resume_connection"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."resume_connection"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."resume_connection"(uuid) IS 'A paused number goes on where it was. Owner and admin. WA004.';

REVOKE ALL ON FUNCTION "public"."resume_connection"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."resume_connection"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."resume_connection"(uuid) FROM PUBLIC, "anon";

-- public/functions/retry_media.sql
CREATE OR REPLACE FUNCTION public.retry_media (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.retry_media(message_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."retry_media"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."retry_media"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."retry_media"(uuid) IS 'Asks once more for a failed, expired or corrupt file, for an hour at least. WA004, WA008 when it is stored or on its way, WA020 when the message has no file to ask for.';

REVOKE ALL ON FUNCTION "public"."retry_media"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."retry_media"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."retry_media"(uuid) FROM PUBLIC, "anon";

-- public/functions/retry_message.sql
CREATE OR REPLACE FUNCTION public.retry_message (
  message_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.retry_message(message_id);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."retry_message"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."retry_message"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."retry_message"(uuid) IS 'Sends a failed or canceled message once more: the same row, at the end of its conversation''s line, its past in previous_attempts. WA001, WA004, WA008.';

REVOKE ALL ON FUNCTION "public"."retry_message"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."retry_message"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."retry_message"(uuid) FROM PUBLIC, "anon";

-- public/functions/ring_doorbell.sql
CREATE OR REPLACE FUNCTION public.ring_doorbell()
  RETURNS uuid
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  canary uuid := gen_random_uuid();
begin
  delete from public.outbox where workspace_id is null and available_at < now() - interval '1 minute';
  insert into public.outbox (message_id) values (canary);
  return canary;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."ring_doorbell"() TO "service_role";

COMMENT ON FUNCTION "public"."ring_doorbell"() IS 'Puts a row into the outbox that is no message: a worker that does not hear its ring through Realtime knows that its doorbell is broken.';

REVOKE ALL ON FUNCTION "public"."ring_doorbell"() FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."ring_doorbell"() TO "postgres";

REVOKE ALL ON FUNCTION "public"."ring_doorbell"() FROM PUBLIC, "anon", "authenticated";

-- public/functions/send_typing.sql
CREATE OR REPLACE FUNCTION public.send_typing (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  select private.send_typing(send_typing.conversation_id)
$function$;

GRANT EXECUTE ON FUNCTION "public"."send_typing"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."send_typing"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."send_typing"(uuid) IS 'Shows the customer for up to 25 seconds that an answer is being written; WhatsApp marks the conversation as read with it. Nothing when the window is closed. WA004.';

REVOKE ALL ON FUNCTION "public"."send_typing"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."send_typing"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."send_typing"(uuid) FROM PUBLIC, "anon";

-- public/functions/set_connection_credential.sql
CREATE OR REPLACE FUNCTION public.set_connection_credential (
  connection_id uuid,
  credential    text
)
  RETURNS void
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  select private.set_connection_credential(connection_id, credential)
$function$;

GRANT EXECUTE ON FUNCTION "public"."set_connection_credential"(uuid, text) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."set_connection_credential"(uuid, text) TO "service_role";

COMMENT ON FUNCTION "public"."set_connection_credential"(uuid, text) IS 'Stores a number''s API key (360dialog) or access token (Meta) in Vault. Owner and admin; never gives it back. WA004, WA006.';

REVOKE ALL ON FUNCTION "public"."set_connection_credential"(uuid, text) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."set_connection_credential"(uuid, text) TO "postgres";

REVOKE ALL ON FUNCTION "public"."set_connection_credential"(uuid, text) FROM PUBLIC, "anon";

-- public/functions/start_conversation.sql
CREATE OR REPLACE FUNCTION public.start_conversation (
  workspace_id     uuid,
  recipient        text,
  type             text,
  content          jsonb,
  connection_id    uuid                     DEFAULT NULL::uuid,
  client_reference text                     DEFAULT NULL::text,
  send_after       timestamp with time zone DEFAULT NULL::timestamp WITH time zone
)
  RETURNS TABLE (
    conversation_id uuid,
    message_id      uuid
  )
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_column
declare
  thread uuid;
begin
  thread := private.open_conversation(start_conversation.workspace_id, start_conversation.recipient, start_conversation.connection_id);
  return query
  insert into public.messages as message (workspace_id, conversation_id, type, content, client_reference, send_after)
  values (start_conversation.workspace_id, thread, start_conversation.type, start_conversation.content,
    start_conversation.client_reference, start_conversation.send_after)
  returning message.conversation_id, message.id;
exception
  when unique_violation then
    raise exception 'a message with this client_reference is there already' using errcode = '23505', detail = 'client_reference';
  when foreign_key_violation then
    -- It was deleted at this moment.
    raise exception 'no such workspace' using errcode = 'WA004';
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp WITH time zone) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp with time zone) IS 'Queues a message to a phone or user id, in its conversation or a new one. To whom has not written for 24 hours only a template may go. WA001, WA004, WA009, WA010 to WA017, WA021 to WA023.';

REVOKE ALL ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp WITH time zone) TO "postgres";

REVOKE ALL ON FUNCTION "public"."start_conversation"(uuid, text, text, jsonb, uuid, text, timestamp WITH time zone) FROM PUBLIC, "anon";

-- public/functions/sweep_inbound.sql
CREATE OR REPLACE FUNCTION public.sweep_inbound (
  max_attempts integer DEFAULT 5
)
  RETURNS integer
  LANGUAGE sql
  SET search_path TO ''
  AS $function$
  -- Every few seconds somebody is here, and it has to be before a minute is over.
  select private.analyse_young_tables();
  -- An event and the connection it waits for may have been written, or moved, at the same moment, blind to each other.
  select public.release_inbound(array(
    select event.id
    from public.whatsapp_connections as connection
    join public.webhook_events as event on event.missing && array[connection.phone_number_id, connection.waba_id]
    where (connection.verified_at > now() - interval '10 minutes' or connection.verified_at is not null and connection.former_ids <> '{}')
      and event.state in ('unrouted', 'failed')));
  with poisoned as (
    update public.webhook_events
    set state = 'failed', error = coalesce(error, 'gave up after ' || attempts || ' attempts')
    where id in (
      select id from public.webhook_events
      where state = 'received' and lease_expires_at <= now() and attempts >= max_attempts
      order by id for update skip locked)
    returning 1
  )
  select count(*)::integer from poisoned
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_inbound"(integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_inbound"(integer) IS 'Ends events that every attempt has broken on, so that they block nobody. They stay, replayable.';

REVOKE ALL ON FUNCTION "public"."sweep_inbound"(integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_inbound"(integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_inbound"(integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_journal.sql
CREATE OR REPLACE FUNCTION public.sweep_journal (
  keep_days  integer DEFAULT 30,
  max_events integer DEFAULT 1000
)
  RETURNS integer
  LANGUAGE sql
  SET search_path TO ''
  SET plan_cache_mode TO 'force_custom_plan'
  AS $function$
  -- Ids are as old as their rows: of the oldest few, those that are too old. What was set aside stays.
  with purged as (
    delete from public.webhook_events
    where id in (
      select oldest.id
      from (
        select id, received_at from public.webhook_events
        where state = 'processed' order by id limit max_events for update skip locked
      ) as oldest
      where oldest.received_at < now() - make_interval(days => keep_days))
    returning 1
  )
  select count(*)::integer from purged
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_journal"(integer, integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_journal"(integer, integer) IS 'Removes processed events older than so many days, a small batch a call; gives how many. Failed and unrouted ones stay.';

REVOKE ALL ON FUNCTION "public"."sweep_journal"(integer, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_journal"(integer, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_journal"(integer, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_media_retention.sql
CREATE OR REPLACE FUNCTION public.sweep_media_retention (
  max_files integer DEFAULT 500
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  workspace record;
  walk private.retention_walks;
  expired integer;
  swept integer := 0;
  stretch text;
begin
  -- Who was not looked at for longest comes first, so one with a long past does not hold up the others.
  for workspace in
    select tenant.id, now() - make_interval(days => tenant.media_retention_days) as cutoff
    from public.workspaces as tenant left join private.retention_walks as known on known.workspace_id = tenant.id
    where tenant.media_retention_days is not null and coalesce(known.next_at <= now(), true)
    order by known.next_at nulls first limit 100
  loop
    exit when swept >= max_files;
    insert into private.retention_walks (workspace_id) values (workspace.id) on conflict do nothing;
    select * into walk from private.retention_walks as known
    where known.workspace_id = workspace.id and known.next_at <= now() for update skip locked;
    continue when not found;
    expired := private.expire_message_files(workspace.id, workspace.cutoff, max_files - swept);
    stretch := private.expire_outgoing_files(walk, workspace.cutoff, max_files);
    update private.retention_walks as known set reached = stretch,
      next_at = case when stretch = '' and expired < max_files - swept then now() + interval '10 minutes' else now() end
    where known.workspace_id = workspace.id;
    swept := swept + expired;
  end loop;
  return swept;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_media_retention"(integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_media_retention"(integer) IS 'Takes files that are older than their workspace keeps them off at most so many messages, and queues their removal.';

REVOKE ALL ON FUNCTION "public"."sweep_media_retention"(integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_media_retention"(integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_media_retention"(integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_media.sql
CREATE OR REPLACE FUNCTION public.sweep_media (
  max_files integer DEFAULT 1000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  SET join_collapse_limit TO '1'
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  lost uuid[];
  gone uuid[];
begin
  -- Fetching twice harms nobody, so what a dead worker held simply waits again. What has been tried more than three times
  -- may be what they die of: it comes back later each time.
  lost := array(
    select item.message_id
    from public.media_downloads as item
    join public.messages as message on message.id = item.message_id
    where item.lease_token is not null and item.lease_expires_at <= now()
    limit max_files
    for update of item skip locked for no key update of message skip locked);
  update public.messages as message set media_status = 'pending'
  where message.id = any (lost) and message.media_status = 'downloading';
  update public.media_downloads as item set lease_token = null, lease_expires_at = null,
    available_at = case when item.attempts > 3 then now() + power(2, least(item.attempts - 3, 9)) * interval '1 second' end
  where item.message_id = any (lost);

  -- Past its deadline a file is gone for good, and says so.
  gone := array(
    select item.message_id
    from public.media_downloads as item
    join public.messages as message on message.id = item.message_id
    where item.lease_token is null and item.deadline <= now()
    order by item.deadline limit max_files
    for update of item skip locked for no key update of message skip locked);
  update public.messages as message set media_status = 'expired', media_error = private.media_error('expired')
  where message.id = any (gone) and message.media_status is distinct from 'stored';
  delete from public.media_downloads as item where item.message_id = any (gone);

  -- Who has not been served for an hour is as good as never served.
  delete from private.media_turns as turn where turn.claimed_at < now() - interval '1 hour';
  return cardinality(lost) + cardinality(gone);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_media"(integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_media"(integer) IS 'Frees downloads whose worker died and ends those whose file the provider has forgotten, at most so many of each.';

REVOKE ALL ON FUNCTION "public"."sweep_media"(integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_media"(integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_media"(integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_migration.sql
CREATE OR REPLACE FUNCTION public.sweep_migration (
  connection_id     uuid,
  max_conversations integer DEFAULT 10000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
#variable_conflict use_variable
declare
  number public.whatsapp_connections;
  swept integer;
begin
  perform pg_advisory_xact_lock(private.turn_of(connection_id));
  select * into number from public.whatsapp_connections as connection where connection.id = connection_id;
  update public.conversations as thread set phone_number_id = number.phone_number_id
  where thread.id in (
    select late.id from public.conversations as late
    where late.workspace_id = number.workspace_id and late.connection_id = number.id
      and late.phone_number_id <> number.phone_number_id
    order by late.id limit max_conversations for no key update);
  get diagnostics swept = row_count;
  -- At once what sweep_inbound would find by and by: an event and the move, written blind to each other.
  perform public.release_inbound(array(
    select event.id from public.webhook_events as event
    where event.state in ('unrouted', 'failed') and event.missing && array[number.phone_number_id, number.waba_id]));
  return swept;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_migration"(uuid, integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_migration"(uuid, integer) IS 'Writes a moved number''s id into its threads, at most so many; answers how many. Releases what has come under the new id meanwhile.';

REVOKE ALL ON FUNCTION "public"."sweep_migration"(uuid, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_migration"(uuid, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_migration"(uuid, integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_outbound.sql
CREATE OR REPLACE FUNCTION public.sweep_outbound (
  uncertain_seconds integer DEFAULT 900
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  swept integer := 0;
  items public.outbox[];
  changed integer;
begin
  -- A lease that ran out belonged to a worker that died: it may have been sending at that moment, unless it was still
  -- preparing. That one waits again.
  items := array(
    select item from public.outbox as item where lease_token is not null and lease_expires_at <= now()
    order by message_id for update skip locked);
  if items <> '{}' then
    update public.messages as message set
      status = case when item.preparing then 'queued' else 'uncertain' end,
      error = case when item.preparing then message.error else jsonb_build_object('code', 'uncertain',
        'title', 'The worker that was sending it is gone', 'class', 'UNCERTAIN',
        'remedy', 'Wait: a report from WhatsApp settles it, or it fails after 15 minutes.') end
    from unnest(items) as item where message.id = item.message_id and message.status = 'sending';
    get diagnostics changed = row_count;
    perform private.pace_unanswered(array(select item from unnest(items) as item where not item.preparing), 'uncertain');
    update public.outbox as item set lease_token = null, leased_at = null, lease_expires_at = null, preparing = false,
      uncertain_since = case when not expired.preparing then now() end
    from unnest(items) as expired where item.message_id = expired.message_id;
    swept := swept + changed;
    perform private.set_heads(array(select distinct conversation_id from unnest(items)));
  end if;

  items := array(
    select item from public.outbox as item
    where uncertain_since <= now() - make_interval(secs => uncertain_seconds)
    order by message_id for update skip locked);
  if items <> '{}' then
    update public.messages as message set
      status = 'failed',
      failed_at = now(),
      error = jsonb_build_object('code', 'outcome_unknown', 'title', 'No answer and no report from WhatsApp',
        'class', 'UNCERTAIN', 'remedy', 'Ask the recipient or look at the phone; then retry by hand if it did not arrive.')
    from unnest(items) as item where message.id = item.message_id and message.status = 'uncertain';
    get diagnostics changed = row_count;
    delete from public.outbox as item using unnest(items) as overdue where item.message_id = overdue.message_id;
    swept := swept + changed;
  end if;

  -- Pairs that owe nothing any more. Whoever holds one is about to need it.
  delete from private.outbound_pairs where conversation_id in (
    select pair.conversation_id from private.outbound_pairs as pair
    where pair.paid_at < now() and coalesce(pair.held_until < now() - interval '1 hour', true)
      and not exists (select from public.outbox as item where item.conversation_id = pair.conversation_id)
    limit 1000 for update skip locked);
  perform private.forget_uploaded_media();
  return swept;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_outbound"(integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_outbound"(integer) IS 'Turns expired leases into uncertain messages, and uncertain ones that no report settled in time into failed. Sends nothing.';

REVOKE ALL ON FUNCTION "public"."sweep_outbound"(integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_outbound"(integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_outbound"(integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/sweep_workspaces.sql
CREATE OR REPLACE FUNCTION public.sweep_workspaces (
  max_rows integer DEFAULT 5000
)
  RETURNS integer
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
declare
  abandoned uuid;
begin
  if max_rows < 1 then
    return 0;
  end if;
  select id into abandoned from public.workspaces where deleted_at is not null
  order by deleted_at limit 1 for update skip locked;
  return case when abandoned is null then 0 else private.sweep_workspace(abandoned, max_rows) end;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."sweep_workspaces"(integer) TO "service_role";

COMMENT ON FUNCTION "public"."sweep_workspaces"(integer) IS 'Goes on with a deleted workspace, at most so many rows; answers how many went, 0 when there is nothing left to delete.';

REVOKE ALL ON FUNCTION "public"."sweep_workspaces"(integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."sweep_workspaces"(integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."sweep_workspaces"(integer) FROM PUBLIC, "anon", "authenticated";

-- public/functions/unarchive_conversation.sql
CREATE OR REPLACE FUNCTION public.unarchive_conversation (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.archive_conversation(unarchive_conversation.conversation_id, 'open');
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."unarchive_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."unarchive_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."unarchive_conversation"(uuid) IS 'Takes an archived conversation out again. WA004.';

REVOKE ALL ON FUNCTION "public"."unarchive_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."unarchive_conversation"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."unarchive_conversation"(uuid) FROM PUBLIC, "anon";

-- public/functions/unlink_contact_from_conversation.sql
CREATE OR REPLACE FUNCTION public.unlink_contact_from_conversation (
  conversation_id uuid
)
  RETURNS void
  LANGUAGE plpgsql
  SET search_path TO ''
  AS $function$
begin
  perform private.link_contact(unlink_contact_from_conversation.conversation_id, null);
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) TO "authenticated";

GRANT EXECUTE ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) TO "service_role";

COMMENT ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) IS 'Takes a conversation''s contact from it, which stays. The customer''s next message links it to the contact that has their number. WA004.';

REVOKE ALL ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."unlink_contact_from_conversation"(uuid) FROM PUBLIC, "anon";

-- public/functions/verify_inbound.sql
CREATE OR REPLACE FUNCTION public.verify_inbound (
  connection_id uuid,
  messages      jsonb,
  statuses      jsonb,
  facts         jsonb,
  since         timestamp with time zone
)
  RETURNS jsonb
  LANGUAGE plpgsql
  SET search_path TO ''
  SET statement_timeout TO '120s'
  AS $function$
declare
  workspace uuid := gen_random_uuid();
  shadow uuid := gen_random_uuid();
  number text := 'verify:' || shadow;
  told text[] := array(select distinct message ->> 'wamid' from jsonb_array_elements(messages) as message);
  reported text[] := array(select distinct status ->> 'wamid' from jsonb_array_elements(statuses) as status);
  found jsonb;
begin
  begin
    insert into public.workspaces (id, name) values (workspace, 'verify');
    insert into public.whatsapp_connections (id, workspace_id, phone_number_id, status) values (shadow, workspace, number, 'paused');
    perform private.record_messages(private.arrived_messages((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(messages) as item)));
    perform private.copy_sent(verify_inbound.connection_id, shadow, reported);
    perform private.record_statuses(private.arrived_statuses((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(statuses) as item)));
    perform private.copy_reports(verify_inbound.connection_id, shadow, told || reported, since);
    perform private.record_facts((
      select coalesce(jsonb_agg(item || jsonb_build_object('phone_number_id', number)), '[]') from jsonb_array_elements(facts) as item
      where item ->> 'kind' not in ('template', 'notice')));
    select coalesce(jsonb_agg(difference), '[]') into found
    from (
      select * from private.compare_rebuilt(verify_inbound.connection_id, shadow, told, reported)
      union all select * from private.compare_names(verify_inbound.connection_id, shadow)
      union all select * from private.compare_wishes(verify_inbound.connection_id, shadow)
    ) as compared (difference);
    raise exception 'verified' using errcode = 'WA099';
  exception when sqlstate 'WA099' then
    return found;
  end;
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."verify_inbound"(uuid, jsonb, jsonb, jsonb, timestamp WITH time zone) TO "service_role";

COMMENT ON FUNCTION "public"."verify_inbound"(uuid, jsonb, jsonb, jsonb, timestamp with time zone) IS 'Rebuilds what the journal, which begins at `since`, tells of a connection''s people, and gives every difference to the live rows. Leaves nothing behind.';

REVOKE ALL ON FUNCTION "public"."verify_inbound"(uuid, jsonb, jsonb, jsonb, timestamp WITH time zone) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."verify_inbound"(uuid, jsonb, jsonb, jsonb, timestamp WITH time zone) TO "postgres";

REVOKE ALL ON FUNCTION "public"."verify_inbound"(uuid, jsonb, jsonb, jsonb, timestamp WITH time zone) FROM PUBLIC, "anon", "authenticated";

-- public/functions/verify_media_objects.sql
CREATE OR REPLACE FUNCTION public.verify_media_objects (
  after        text,
  max_rows     integer,
  workspace_id uuid    DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  AS $function$
declare
  -- The character after the slash, and one after all others, end the folder and the bucket.
  first_name text := coalesce(after, workspace_id || '/', '');
  end_of_names text := coalesce(workspace_id || '0', chr(1114111));
begin
  return (
    with page as materialized (
      select object.name, object.metadata -> 'size' as size, greatest(object.created_at, object.updated_at) as written_at,
        split_part(object.name, '/', 2) = 'outgoing' and split_part(object.name, '/', 3) <> '' as is_outgoing,
        private.uuid_of(split_part(object.name, '/', 1)) as workspace_id,
        private.uuid_of(split_part(split_part(object.name, '/', 3), '.', 1)) as message_id
      from storage.objects as object
      where object.bucket_id = 'whatsapp-media' and object.name collate "C" > first_name and object.name collate "C" < end_of_names
      order by object.name collate "C" limit max_rows
    ), unnamed as (
      select page.*, case when page.workspace_id is null then 'stray' else 'orphan' end as problem
      from page
      -- A worker that stores a file has yet to record it.
      where page.written_at < now() - interval '1 hour'
        and not (page.is_outgoing and exists (select from public.workspaces as workspace where workspace.id = page.workspace_id))
        and not exists (select from public.messages as message where message.media_path = page.name)
        and not exists (
          select from public.media_downloads as waiting
          where waiting.message_id = page.message_id and starts_with(page.name, waiting.object_name))
        -- The worker is about to remove it.
        and not exists (
          select from private.media_removals as removal
          where removal.prefix in (page.name, private.object_stem(page.name), split_part(page.name, '/', 1) || '/'))
    )
    select jsonb_build_object(
      'after', (select page.name from page order by page.name collate "C" desc limit 1),
      'checked', (select count(*) from page),
      'differences', coalesce((
        select jsonb_agg(jsonb_build_object('problem', problem, 'workspace_id', unnamed.workspace_id, 'message_id', null, 'path', name,
          'recorded', null, 'found', size)) from unnamed), '[]')));
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."verify_media_objects"(text, integer, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."verify_media_objects"(text, integer, uuid) IS 'A page of the bucket''s objects, held against messages, the queue and workspaces: {after, checked, differences}. What is younger than an hour is let be.';

REVOKE ALL ON FUNCTION "public"."verify_media_objects"(text, integer, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."verify_media_objects"(text, integer, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."verify_media_objects"(text, integer, uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/verify_media.sql
CREATE OR REPLACE FUNCTION public.verify_media (
  after        text,
  max_rows     integer,
  workspace_id uuid    DEFAULT NULL::uuid
)
  RETURNS jsonb
  LANGUAGE plpgsql
  STABLE
  SET search_path TO ''
  SET enable_seqscan TO 'off'
  SET enable_hashjoin TO 'off'
  SET enable_mergejoin TO 'off'
  SET enable_bitmapscan TO 'off'
  SET enable_sort TO 'off'
  SET enable_incremental_sort TO 'off'
  AS $function$
declare
  after_workspace uuid := coalesce(split_part(after, '/', 1)::uuid, workspace_id, '00000000-0000-0000-0000-000000000000');
  after_message uuid := coalesce(split_part(after, '/', 2)::uuid, '00000000-0000-0000-0000-000000000000');
  last_workspace uuid := coalesce(workspace_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
begin
  return (
    with page as materialized (
      select message.workspace_id, message.id, message.media_status as status, message.media_path as path, message.media_size as size,
        message.media_sha256 as sha256
      from public.messages as message
      where message.media_id is not null and (message.workspace_id, message.id) > (after_workspace, after_message)
        and message.workspace_id <= last_workspace
      order by message.workspace_id, message.id limit max_rows
    ), compared as (
      select page.*, object.name is not null as is_there, object.metadata -> 'size' as found_size, waiting.message_id is not null as waits,
        coalesce(page.status in ('pending', 'downloading'), false) as is_to_wait
      from page
      left join public.media_downloads as waiting on waiting.message_id = page.id
      left join storage.objects as object
        on object.bucket_id = 'whatsapp-media' and object.name = page.path and page.status = 'stored'
    ), judged as (
      select compared.*, problem.*, problem.is_so is not null and problem.is_so as differs
      from compared
      cross join lateral (values
        ('stuck', waits <> is_to_wait, to_jsonb(status), to_jsonb(case when waits then 'queued' else 'not queued' end)),
        ('missing', status = 'stored' and not is_there, to_jsonb(size), null),
        ('size', status = 'stored' and is_there and size::text is distinct from found_size #>> '{}', to_jsonb(size), found_size)
      ) as problem (problem, is_so, recorded, found)
    )
    select jsonb_build_object(
      'after', (select page.workspace_id || '/' || page.id from page order by page.workspace_id desc, page.id desc limit 1),
      'checked', (select count(*) from page),
      'differences', coalesce((
        select jsonb_agg(jsonb_build_object('problem', problem, 'workspace_id', judged.workspace_id, 'message_id', id, 'path', path,
          'recorded', recorded, 'found', judged.found)) from judged where differs), '[]'),
      'files', coalesce((
        select jsonb_agg(jsonb_build_object('workspace_id', compared.workspace_id, 'message_id', id, 'path', path, 'sha256', sha256))
        from compared where is_there and size::text = found_size #>> '{}' and sha256 is not null), '[]')));
end
$function$;

GRANT EXECUTE ON FUNCTION "public"."verify_media"(text, integer, uuid) TO "service_role";

COMMENT ON FUNCTION "public"."verify_media"(text, integer, uuid) IS 'A page of messages with a file, held against the queue and the bucket: {after, checked, differences, files}. `files` are those whose bytes can be hashed.';

REVOKE ALL ON FUNCTION "public"."verify_media"(text, integer, uuid) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."verify_media"(text, integer, uuid) TO "postgres";

REVOKE ALL ON FUNCTION "public"."verify_media"(text, integer, uuid) FROM PUBLIC, "anon", "authenticated";

-- public/functions/verify_stats.sql
CREATE OR REPLACE FUNCTION public.verify_stats (
  connection_id     uuid,
  after             uuid,
  max_conversations integer DEFAULT 500
)
  RETURNS jsonb
  LANGUAGE sql
  STABLE
  SET search_path TO ''
  AS $function$
  with page as (
    select thread.id from public.conversations as thread
    where thread.connection_id = verify_stats.connection_id and thread.id > after
    order by thread.id limit max_conversations
  ), found as (
    select difference
    from private.stats_of(array(select id from page)) as truth
    join public.conversations as thread on thread.id = truth.conversation_id
    cross join lateral private.differences('conversations', thread.id::text,
      (private.told_of(thread) - '{phone,bsuid,group_id}'::text[]) || jsonb_build_object('unread_count', thread.unread_count),
      jsonb_build_object('unread_count', truth.unread_count, 'last_customer_message_at', truth.last_customer_message_at,
        'window_expires_at', truth.window_expires_at, 'last_message_at', truth.last_message_at,
        'last_message_preview', truth.last_message_preview, 'last_message_direction', truth.last_message_direction)) as difference
    union all
    select difference
    from page
    join public.conversations as thread using (id)
    cross join lateral private.differences('conversations', thread.id::text, jsonb_build_object('places', private.places_of(thread)),
      jsonb_build_object('places', 1)) as difference
    union all
    -- What we sent is as far as its reports say. An echo, which names its recipient, may have come with a status of its own.
    select difference
    from page
    join public.conversations as thread using (id)
    join public.messages as message on message.workspace_id = thread.workspace_id and message.conversation_id = thread.id
      and message.direction = 'outbound' and message.wamid is not null and not message.imported
    cross join lateral (
      select coalesce(max(private.status_rank(report.status)), 0) as rank
      from public.message_statuses as report
      where report.connection_id = message.connection_id and report.wamid = message.wamid
    ) as reported
    cross join lateral private.differences('messages', message.wamid, jsonb_build_object('status', message.status),
      jsonb_build_object('status', ('{sent,failed,delivered,read,played}'::text[])[greatest(reported.rank, 1)])) as difference
    where reported.rank > private.status_rank(message.status)
      or private.status_rank(message.status) > greatest(reported.rank, 2) and num_nonnulls(message.wa_id, message.bsuid) = 0
  )
  select jsonb_build_object('after', (select id from page order by id desc limit 1), 'conversations', (select count(*) from page),
    'differences', coalesce((select jsonb_agg(difference) from found), '[]'))
$function$;

GRANT EXECUTE ON FUNCTION "public"."verify_stats"(uuid, uuid, integer) TO "service_role";

COMMENT ON FUNCTION "public"."verify_stats"(uuid, uuid, integer) IS 'A page of a number''s conversations, their statistics held against their messages and these against their reports: {after, conversations, differences}.';

REVOKE ALL ON FUNCTION "public"."verify_stats"(uuid, uuid, integer) FROM "postgres";

GRANT EXECUTE ON FUNCTION "public"."verify_stats"(uuid, uuid, integer) TO "postgres";

REVOKE ALL ON FUNCTION "public"."verify_stats"(uuid, uuid, integer) FROM PUBLIC, "anon", "authenticated";

-- _cluster/publications.sql
ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."conversations";

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."media_downloads";

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."messages";

ALTER PUBLICATION "supabase_realtime" ADD TABLE "public"."outbox";

-- _cluster/default_privileges.sql
ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" REVOKE ALL ON FUNCTIONS FROM PUBLIC;

-- public/default_privileges.sql
ALTER DEFAULT PRIVILEGES FOR ROLE "postgres" IN SCHEMA "public" REVOKE ALL ON FUNCTIONS FROM PUBLIC;
