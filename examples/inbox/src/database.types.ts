export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

export type Database = {
  
  "public": {
          Tables: {
            "canned_replies": {
                  Row: {
                    "body": string,"created_at": string,"id": string,"shortcut": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "body": string,"created_at"?: string,"id"?: string,"shortcut": string,"workspace_id": string
                  }
                  Update: {
                    "body"?: string,"created_at"?: string,"id"?: string,"shortcut"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "canned_replies_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"contact_notes": {
                  Row: {
                    "body": string,"contact_id": string,"created_at": string,"created_by": string | null,"id": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "body": string,"contact_id": string,"created_at"?: string,"created_by"?: string | null,"id"?: string,"workspace_id": string
                  }
                  Update: {
                    "body"?: string,"contact_id"?: string,"created_at"?: string,"created_by"?: string | null,"id"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "contact_notes_workspace_id_contact_id_fkey"
      columns: ["workspace_id","contact_id"]
isOneToOne: false
      referencedRelation: "contacts"
      referencedColumns: ["workspace_id","id"]
    }
                  ]
                },"contacts": {
                  Row: {
                    "attributes": NonNullable<Json>,"bsuid": string | null,"created_at": string,"id": string,"marketing_opted_out_at": string | null,"marketing_preference_at": string | null,"name": string | null,"phone": string | null,"phone_key": string | null,"profile_name": string | null,"profile_name_at": string | null,"synced_name": string | null,"synced_name_at": string | null,"tags": (string)[],"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "attributes"?: NonNullable<Json>,"bsuid"?: string | null,"created_at"?: string,"id"?: string,"marketing_opted_out_at"?: string | null,"marketing_preference_at"?: string | null,"name"?: string | null,"phone"?: string | null,"phone_key"?: never,"profile_name"?: string | null,"profile_name_at"?: string | null,"synced_name"?: string | null,"synced_name_at"?: string | null,"tags"?: (string)[],"workspace_id": string
                  }
                  Update: {
                    "attributes"?: NonNullable<Json>,"bsuid"?: string | null,"created_at"?: string,"id"?: string,"marketing_opted_out_at"?: string | null,"marketing_preference_at"?: string | null,"name"?: string | null,"phone"?: string | null,"phone_key"?: never,"profile_name"?: string | null,"profile_name_at"?: string | null,"synced_name"?: string | null,"synced_name_at"?: string | null,"tags"?: (string)[],"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "contacts_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"conversations": {
                  Row: {
                    "assigned_to": string | null,"bsuid": string | null,"connection_id": string,"contact_id": string | null,"created_at": string,"group_id": string | null,"id": string,"is_read": boolean,"last_customer_message_at": string | null,"last_message_at": string | null,"last_message_direction": string | null,"last_message_preview": string | null,"last_message_seq": number | null,"phone": string | null,"phone_number_id": string,"read_through": number,"sort_at": string,"status": string,"unread_count": number,"window_expires_at": string | null,"workspace_id": string,"is_window_open": boolean | null
                  }
                  ComputedFields: "is_window_open"
                  Insert: {
                    "assigned_to"?: string | null,"bsuid"?: string | null,"connection_id": string,"contact_id"?: string | null,"created_at"?: string,"group_id"?: string | null,"id"?: string,"is_read"?: never,"last_customer_message_at"?: string | null,"last_message_at"?: string | null,"last_message_direction"?: string | null,"last_message_preview"?: string | null,"last_message_seq"?: number | null,"phone"?: string | null,"phone_number_id": string,"read_through"?: number,"sort_at"?: never,"status"?: string,"unread_count"?: number,"window_expires_at"?: string | null,"workspace_id": string
                  }
                  Update: {
                    "assigned_to"?: string | null,"bsuid"?: string | null,"connection_id"?: string,"contact_id"?: string | null,"created_at"?: string,"group_id"?: string | null,"id"?: string,"is_read"?: never,"last_customer_message_at"?: string | null,"last_message_at"?: string | null,"last_message_direction"?: string | null,"last_message_preview"?: string | null,"last_message_seq"?: number | null,"phone"?: string | null,"phone_number_id"?: string,"read_through"?: number,"sort_at"?: never,"status"?: string,"unread_count"?: number,"window_expires_at"?: string | null,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "conversations_workspace_id_assigned_to_fkey"
      columns: ["workspace_id","assigned_to"]
isOneToOne: false
      referencedRelation: "workspace_members"
      referencedColumns: ["workspace_id","user_id"]
    },{
      foreignKeyName: "conversations_workspace_id_connection_id_fkey"
      columns: ["workspace_id","connection_id"]
isOneToOne: false
      referencedRelation: "whatsapp_connections"
      referencedColumns: ["workspace_id","id"]
    },{
      foreignKeyName: "conversations_workspace_id_contact_id_fkey"
      columns: ["workspace_id","contact_id"]
isOneToOne: false
      referencedRelation: "contacts"
      referencedColumns: ["workspace_id","id"]
    },{
      foreignKeyName: "conversations_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"media_downloads": {
                  Row: {
                    "attempts": number,"available_at": string | null,"connection_id": string,"deadline": string,"lease_expires_at": string | null,"lease_token": string | null,"media_id": string,"message_id": string,"object_name": string,"sha256": string | null,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "attempts"?: number,"available_at"?: string | null,"connection_id": string,"deadline": string,"lease_expires_at"?: string | null,"lease_token"?: string | null,"media_id": string,"message_id": string,"object_name": string,"sha256"?: string | null,"workspace_id": string
                  }
                  Update: {
                    "attempts"?: number,"available_at"?: string | null,"connection_id"?: string,"deadline"?: string,"lease_expires_at"?: string | null,"lease_token"?: string | null,"media_id"?: string,"message_id"?: string,"object_name"?: string,"sha256"?: string | null,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "media_downloads_workspace_id_message_id_fkey"
      columns: ["workspace_id","message_id"]
isOneToOne: false
      referencedRelation: "messages"
      referencedColumns: ["workspace_id","id"]
    }
                  ]
                },"message_statuses": {
                  Row: {
                    "callback_data": string | null,"connection_id": string,"details": NonNullable<Json>,"error": Json | null,"errors": Json | null,"event_id": number | null,"occurred_at": string,"participant": string,"received_at": string,"status": string,"wamid": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "callback_data"?: string | null,"connection_id": string,"details"?: NonNullable<Json>,"error"?: Json | null,"errors"?: Json | null,"event_id"?: number | null,"occurred_at": string,"participant"?: string,"received_at"?: string,"status": string,"wamid": string,"workspace_id": string
                  }
                  Update: {
                    "callback_data"?: string | null,"connection_id"?: string,"details"?: NonNullable<Json>,"error"?: Json | null,"errors"?: Json | null,"event_id"?: number | null,"occurred_at"?: string,"participant"?: string,"received_at"?: string,"status"?: string,"wamid"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "message_statuses_workspace_id_connection_id_fkey"
      columns: ["workspace_id","connection_id"]
isOneToOne: false
      referencedRelation: "whatsapp_connections"
      referencedColumns: ["workspace_id","id"]
    }
                  ]
                },"message_templates": {
                  Row: {
                    "as_of": NonNullable<Json>,"category": string | null,"components": NonNullable<Json>,"connection_id": string,"id": string,"language": string,"name": string,"provider_template_id": string | null,"quality": string | null,"reason": string | null,"status": string,"synced_at": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "as_of"?: NonNullable<Json>,"category"?: string | null,"components"?: NonNullable<Json>,"connection_id": string,"id"?: string,"language": string,"name": string,"provider_template_id"?: string | null,"quality"?: string | null,"reason"?: string | null,"status": string,"synced_at"?: string,"workspace_id": string
                  }
                  Update: {
                    "as_of"?: NonNullable<Json>,"category"?: string | null,"components"?: NonNullable<Json>,"connection_id"?: string,"id"?: string,"language"?: string,"name"?: string,"provider_template_id"?: string | null,"quality"?: string | null,"reason"?: string | null,"status"?: string,"synced_at"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "message_templates_workspace_id_connection_id_fkey"
      columns: ["workspace_id","connection_id"]
isOneToOne: false
      referencedRelation: "whatsapp_connections"
      referencedColumns: ["workspace_id","id"]
    },{
      foreignKeyName: "message_templates_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"messages": {
                  Row: {
                    "bsuid": string | null,"client_reference": string | null,"connection_id": string,"content": NonNullable<Json>,"conversation_id": string | null,"created_at": string,"delivered_at": string | null,"direction": string,"edited_at": string | null,"error": Json | null,"failed_at": string | null,"id": string,"imported": boolean,"media_duration": number | null,"media_error": Json | null,"media_filename": string | null,"media_height": number | null,"media_id": string | null,"media_mime_type": string | null,"media_path": string | null,"media_sha256": string | null,"media_size": number | null,"media_status": string | null,"media_width": number | null,"occurred_at": string,"original_content": Json | null,"played_at": string | null,"previous_attempts": Json | null,"profile_name": string | null,"read_at": string | null,"reply_to_wamid": string | null,"revoked_at": string | null,"send_after": string | null,"sent_at": string | null,"sent_by": string | null,"seq": number,"status": string,"type": string,"wa_id": string | null,"wamid": string | null,"workspace_id": string,"media_url": string | null
                  }
                  ComputedFields: "media_url"
                  Insert: {
                    "bsuid"?: string | null,"client_reference"?: string | null,"connection_id": string,"content": NonNullable<Json>,"conversation_id"?: string | null,"created_at"?: string,"delivered_at"?: string | null,"direction"?: string,"edited_at"?: string | null,"error"?: Json | null,"failed_at"?: string | null,"id"?: string,"imported"?: boolean,"media_duration"?: number | null,"media_error"?: Json | null,"media_filename"?: string | null,"media_height"?: number | null,"media_id"?: string | null,"media_mime_type"?: string | null,"media_path"?: string | null,"media_sha256"?: string | null,"media_size"?: number | null,"media_status"?: string | null,"media_width"?: number | null,"occurred_at"?: string,"original_content"?: Json | null,"played_at"?: string | null,"previous_attempts"?: Json | null,"profile_name"?: string | null,"read_at"?: string | null,"reply_to_wamid"?: string | null,"revoked_at"?: string | null,"send_after"?: string | null,"sent_at"?: string | null,"sent_by"?: string | null,"seq"?: never,"status"?: string,"type": string,"wa_id"?: string | null,"wamid"?: string | null,"workspace_id": string
                  }
                  Update: {
                    "bsuid"?: string | null,"client_reference"?: string | null,"connection_id"?: string,"content"?: NonNullable<Json>,"conversation_id"?: string | null,"created_at"?: string,"delivered_at"?: string | null,"direction"?: string,"edited_at"?: string | null,"error"?: Json | null,"failed_at"?: string | null,"id"?: string,"imported"?: boolean,"media_duration"?: number | null,"media_error"?: Json | null,"media_filename"?: string | null,"media_height"?: number | null,"media_id"?: string | null,"media_mime_type"?: string | null,"media_path"?: string | null,"media_sha256"?: string | null,"media_size"?: number | null,"media_status"?: string | null,"media_width"?: number | null,"occurred_at"?: string,"original_content"?: Json | null,"played_at"?: string | null,"previous_attempts"?: Json | null,"profile_name"?: string | null,"read_at"?: string | null,"reply_to_wamid"?: string | null,"revoked_at"?: string | null,"send_after"?: string | null,"sent_at"?: string | null,"sent_by"?: string | null,"seq"?: never,"status"?: string,"type"?: string,"wa_id"?: string | null,"wamid"?: string | null,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "messages_workspace_id_connection_id_fkey"
      columns: ["workspace_id","connection_id"]
isOneToOne: false
      referencedRelation: "whatsapp_connections"
      referencedColumns: ["workspace_id","id"]
    },{
      foreignKeyName: "messages_workspace_id_conversation_id_fkey"
      columns: ["workspace_id","conversation_id"]
isOneToOne: false
      referencedRelation: "conversations"
      referencedColumns: ["workspace_id","id"]
    },{
      foreignKeyName: "messages_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"outbox": {
                  Row: {
                    "attempts": number,"available_at": string,"beside": boolean,"connection_id": string | null,"conversation_id": string | null,"lease_expires_at": string | null,"lease_token": string | null,"leased_at": string | null,"line_at": string,"message_id": string,"preparing": boolean,"priority": number,"ready_at": string | null,"seq": number,"uncertain_since": string | null,"unsent": number,"workspace_id": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "attempts"?: number,"available_at"?: string,"beside"?: boolean,"connection_id"?: string | null,"conversation_id"?: string | null,"lease_expires_at"?: string | null,"lease_token"?: string | null,"leased_at"?: string | null,"line_at"?: string,"message_id": string,"preparing"?: boolean,"priority"?: number,"ready_at"?: string | null,"seq"?: never,"uncertain_since"?: string | null,"unsent"?: number,"workspace_id"?: string | null
                  }
                  Update: {
                    "attempts"?: number,"available_at"?: string,"beside"?: boolean,"connection_id"?: string | null,"conversation_id"?: string | null,"lease_expires_at"?: string | null,"lease_token"?: string | null,"leased_at"?: string | null,"line_at"?: string,"message_id"?: string,"preparing"?: boolean,"priority"?: number,"ready_at"?: string | null,"seq"?: never,"uncertain_since"?: string | null,"unsent"?: number,"workspace_id"?: string | null
                  }
                  Relationships: [
                    {
      foreignKeyName: "outbox_workspace_id_message_id_fkey"
      columns: ["workspace_id","message_id"]
isOneToOne: false
      referencedRelation: "messages"
      referencedColumns: ["workspace_id","id"]
    }
                  ]
                },"webhook_events": {
                  Row: {
                    "attempts": number,"body": NonNullable<Json>,"error": string | null,"id": number,"kinds": (string)[],"lease_expires_at": string | null,"missing": (string)[] | null,"phone_number_id": string | null,"processed_at": string | null,"provider": string,"received_at": string,"replayed_at": string | null,"state": string,"waba_id": string | null
                  }
                  ComputedFields: never
                  Insert: {
                    "attempts"?: number,"body": NonNullable<Json>,"error"?: string | null,"id"?: never,"kinds"?: (string)[],"lease_expires_at"?: string | null,"missing"?: (string)[] | null,"phone_number_id"?: string | null,"processed_at"?: string | null,"provider": string,"received_at"?: string,"replayed_at"?: string | null,"state"?: string,"waba_id"?: string | null
                  }
                  Update: {
                    "attempts"?: number,"body"?: NonNullable<Json>,"error"?: string | null,"id"?: never,"kinds"?: (string)[],"lease_expires_at"?: string | null,"missing"?: (string)[] | null,"phone_number_id"?: string | null,"processed_at"?: string | null,"provider"?: string,"received_at"?: string,"replayed_at"?: string | null,"state"?: string,"waba_id"?: string | null
                  }
                  Relationships: [
                    
                  ]
                },"whatsapp_connections": {
                  Row: {
                    "created_at": string,"display_phone_number": string | null,"former_ids": (string)[],"id": string,"last_error": Json | null,"media_downloads_at_once": number,"media_lifetime": string,"messages_per_second": number,"phone_number_id": string,"provider": string,"provider_notices": NonNullable<Json>,"quality_rating": string | null,"send_read_receipts": boolean,"status": string,"status_reason": string | null,"status_since": string,"verified_at": string | null,"waba_id": string | null,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"display_phone_number"?: string | null,"former_ids"?: (string)[],"id"?: string,"last_error"?: Json | null,"media_downloads_at_once"?: number,"media_lifetime"?: string,"messages_per_second"?: number,"phone_number_id": string,"provider"?: string,"provider_notices"?: NonNullable<Json>,"quality_rating"?: string | null,"send_read_receipts"?: boolean,"status"?: string,"status_reason"?: string | null,"status_since"?: string,"verified_at"?: string | null,"waba_id"?: string | null,"workspace_id": string
                  }
                  Update: {
                    "created_at"?: string,"display_phone_number"?: string | null,"former_ids"?: (string)[],"id"?: string,"last_error"?: Json | null,"media_downloads_at_once"?: number,"media_lifetime"?: string,"messages_per_second"?: number,"phone_number_id"?: string,"provider"?: string,"provider_notices"?: NonNullable<Json>,"quality_rating"?: string | null,"send_read_receipts"?: boolean,"status"?: string,"status_reason"?: string | null,"status_since"?: string,"verified_at"?: string | null,"waba_id"?: string | null,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "whatsapp_connections_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"workspace_invitations": {
                  Row: {
                    "created_at": string,"email": string,"expires_at": string,"id": string,"invited_by": string | null,"role": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"email": string,"expires_at"?: string,"id"?: string,"invited_by"?: string | null,"role": string,"workspace_id": string
                  }
                  Update: {
                    "created_at"?: string,"email"?: string,"expires_at"?: string,"id"?: string,"invited_by"?: string | null,"role"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "workspace_invitations_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"workspace_members": {
                  Row: {
                    "created_at": string,"role": string,"user_id": string,"workspace_id": string
                  }
                  ComputedFields: never
                  Insert: {
                    "created_at"?: string,"role": string,"user_id": string,"workspace_id": string
                  }
                  Update: {
                    "created_at"?: string,"role"?: string,"user_id"?: string,"workspace_id"?: string
                  }
                  Relationships: [
                    {
      foreignKeyName: "workspace_members_workspace_id_fkey"
      columns: ["workspace_id"]
isOneToOne: false
      referencedRelation: "workspaces"
      referencedColumns: ["id"]
    }
                  ]
                },"workspaces": {
                  Row: {
                    "broadcasts": boolean,"connection_limit": number,"created_at": string,"default_language": string,"deleted_at": string | null,"id": string,"media_retention_days": number | null,"name": string
                  }
                  ComputedFields: never
                  Insert: {
                    "broadcasts"?: boolean,"connection_limit"?: number,"created_at"?: string,"default_language"?: string,"deleted_at"?: string | null,"id"?: string,"media_retention_days"?: number | null,"name": string
                  }
                  Update: {
                    "broadcasts"?: boolean,"connection_limit"?: number,"created_at"?: string,"default_language"?: string,"deleted_at"?: string | null,"id"?: string,"media_retention_days"?: number | null,"name"?: string
                  }
                  Relationships: [
                    
                  ]
                }
          }
          Views: {
            [_ in never]: never
          }
          Functions: {
            "accept_invitation":
{ Args: { "token": string }; Returns: string
                           },
"add_connection":
{ Args: { "display_phone_number"?: string,"phone_number_id": string,"provider": string,"waba_id"?: string,"workspace_id": string }; Returns: string
                           },
"archive_conversation":
{ Args: { "conversation_id": string }; Returns: undefined
                           },
"assign_conversation":
{ Args: { "conversation_id": string,"user_id": string }; Returns: undefined
                           },
"cancel_message":
{ Args: { "message_id": string }; Returns: undefined
                           },
"change_member_role":
{ Args: { "role": string,"user_id": string,"workspace_id": string }; Returns: undefined
                           },
"claim_chores":
{ Args: { "lease_seconds"?: number,"max_chores"?: number,"shares"?: Json }; Returns: {
              "attempts": number,"connection_id": string,"kind": string,"lease_token": string,"phone_number_id": string,"provider": string,"waba_id": string,"workspace_id": string
            }[]
                           },
"claim_inbound":
{ Args: { "lease_seconds"?: number,"max_events"?: number }; Returns: {
              "attempts": number,"body": string,"id": number,"phone_number_id": string,"provider": string,"waba_id": string
            }[]
                           },
"claim_media":
{ Args: { "lease_seconds"?: number,"max_files"?: number,"shares"?: Json }; Returns: {
              "attempts": number,"connection_id": string,"deadline": string,"lease_token": string,"media_id": string,"message_id": string,"mime_type": string,"object_name": string,"phone_number_id": string,"provider": string,"sha256": string,"type": string,"workspace_id": string
            }[]
                           },
"claim_outbound":
{ Args: { "lease_seconds"?: number,"max_messages"?: number,"shares"?: Json }; Returns: {
              "attempts": number,"bsuid": string,"callback_data": string,"connection_id": string,"content": Json,"group_id": string,"lease_token": string,"message_id": string,"phone": string,"phone_number_id": string,"provider": string,"reply_to_wamid": string,"type": string,"workspace_id": string
            }[]
                           },
"claim_receipts":
{ Args: { "lease_seconds"?: number,"max_receipts"?: number,"shares"?: Json }; Returns: {
              "connection_id": string,"kind": string,"lease_token": string,"message_id": string,"phone_number_id": string,"provider": string,"wamid": string,"workspace_id": string
            }[]
                           },
"claim_removals":
{ Args: { "lease_seconds"?: number,"max_objects"?: number }; Returns: {
              "lease_token": string,"names": (string)[],"prefix": string
            }[]
                           },
"create_workspace":
{ Args: { "default_language"?: string,"name": string }; Returns: string
                           },
"delete_workspace":
{ Args: { "workspace_id": string }; Returns: undefined
                           },
"explain_outbound":
{ Args: { "message_id": string }; Returns: Json
                           },
"extend_media":
{ Args: { "lease_seconds"?: number,"leases": Json }; Returns: number
                           },
"extend_outbound":
{ Args: { "lease_seconds"?: number,"leases": Json,"preparing"?: boolean }; Returns: number
                           },
"get_connection_credential":
{ Args: { "connection_id": string }; Returns: string
                           },
"get_conversation":
{ Args: { "conversation_id": string }; Returns: Database["public"]['CompositeTypes']["conversation_details"][]
                          SetofOptions: {
        from: "*"
        to: "conversation_details"
        isOneToOne: false
        isSetofReturn: true
      } },
"get_conversation_messages":
{ Args: { "before"?: string,"conversation_id": string,"limit"?: number }; Returns: Database["public"]['CompositeTypes']["conversation_message"][]
                          SetofOptions: {
        from: "*"
        to: "conversation_message"
        isOneToOne: false
        isSetofReturn: true
      } },
"get_conversation_stats":
{ Args: { "workspace_id": string }; Returns: {
              "archived": number,"total": number,"unread": number,"window_closed": number
            }[]
                           },
"get_conversations":
{ Args: { "filters"?: Json,"workspace_id": string }; Returns: Database["public"]['CompositeTypes']["conversation_list_item"][]
                          SetofOptions: {
        from: "*"
        to: "conversation_list_item"
        isOneToOne: false
        isSetofReturn: true
      } },
"get_installation":
{ Args: Record<PropertyKey, never>; Returns: Json
                           },
"get_onboarding":
{ Args: { "display_phone_number"?: string,"phone_number_id"?: string,"user_id": string,"waba_id"?: string,"workspace_id": string }; Returns: string
                           },
"get_queue_health":
{ Args: { "max_numbers"?: number,"max_rows"?: number }; Returns: Json
                           },
"get_uploaded_media":
{ Args: { "connection_id": string,"path": string,"version": string }; Returns: string
                           },
"invite_member":
{ Args: { "email": string,"role": string,"workspace_id": string }; Returns: Json
                           },
"is_window_open":
{ Args: { "conversation": Omit<Database["public"]['Tables']["conversations"]['Row'], Database["public"]['Tables']["conversations"]['ComputedFields']> }; Returns: boolean
                           },
"link_contact_to_conversation":
{ Args: { "contact_id": string,"conversation_id": string }; Returns: undefined
                           },
"mark_as_read":
{ Args: { "conversation_id": string }; Returns: undefined
                           },
"media_url":
{ Args: { "message": Omit<Database["public"]['Tables']["messages"]['Row'], Database["public"]['Tables']["messages"]['ComputedFields']> }; Returns: string
                           },
"next_media":
{ Args: { "shares"?: Json }; Returns: number
                           },
"next_outbound":
{ Args: { "shares"?: Json }; Returns: number
                           },
"next_removals":
{ Args: Record<PropertyKey, never>; Returns: number
                           },
"pause_connection":
{ Args: { "connection_id": string,"reason"?: string }; Returns: undefined
                           },
"receive_inbound":
{ Args: { "": string }; Returns: (number)[]
                           },
"record_chores":
{ Args: { "results": Json }; Returns: number
                           },
"record_inbound":
{ Args: { "default_workspace_id"?: string,"events": Json,"facts"?: Json,"messages": Json,"statuses": Json }; Returns: number
                           },
"record_lost_media":
{ Args: { "losses": Json }; Returns: Json
                           },
"record_media":
{ Args: { "results": Json }; Returns: number
                           },
"record_migration":
{ Args: { "connection_id": string,"credential": string,"display_phone_number"?: string,"phone_number_id": string,"provider": string,"waba_id"?: string }; Returns: boolean
                           },
"record_number_health":
{ Args: { "as_of": string,"connection_id": string,"health": Json }; Returns: string
                           },
"record_onboarding":
{ Args: { "credential": string,"display_phone_number": string,"phone_number_id": string,"provider": string,"user_id": string,"waba_id": string,"workspace_id": string }; Returns: string
                           },
"record_outbound":
{ Args: { "results": Json }; Returns: number
                           },
"record_receipts":
{ Args: { "results": Json }; Returns: number
                           },
"record_removals":
{ Args: { "results": Json }; Returns: number
                           },
"record_templates":
{ Args: { "as_of": string,"complete"?: boolean,"connection_id": string,"templates": Json }; Returns: Json
                           },
"record_uploaded_media":
{ Args: { "connection_id": string,"media_id": string,"path": string,"version": string }; Returns: number
                           },
"release_claims":
{ Args: { "phone_number_id": string,"waba_id"?: string,"workspace_id"?: string }; Returns: number
                           },
"release_connection":
{ Args: { "connection_id": string }; Returns: boolean
                           },
"release_inbound":
{ Args: { "event_ids": (number)[] }; Returns: number
                           },
"release_media":
{ Args: { "leases": Json }; Returns: number
                           },
"release_number":
{ Args: { "connection_id": string }; Returns: string
                           },
"release_outbound":
{ Args: { "leases": Json }; Returns: number
                           },
"release_removals":
{ Args: { "leases": Json }; Returns: number
                           },
"release_uploaded_media":
{ Args: { "connection_id": string,"media_ids": (string)[] }; Returns: boolean
                           },
"remove_member":
{ Args: { "user_id": string,"workspace_id": string }; Returns: undefined
                           },
"resume_connection":
{ Args: { "connection_id": string }; Returns: undefined
                           },
"retry_media":
{ Args: { "message_id": string }; Returns: undefined
                           },
"retry_message":
{ Args: { "message_id": string }; Returns: undefined
                           },
"ring_doorbell":
{ Args: Record<PropertyKey, never>; Returns: string
                           },
"send_typing":
{ Args: { "conversation_id": string }; Returns: undefined
                           },
"set_connection_credential":
{ Args: { "connection_id": string,"credential": string }; Returns: undefined
                           },
"start_conversation":
{ Args: { "client_reference"?: string,"connection_id"?: string,"content": Json,"recipient": string,"send_after"?: string,"type": string,"workspace_id": string }; Returns: {
              "conversation_id": string,"message_id": string
            }[]
                           },
"sweep_inbound":
{ Args: { "max_attempts"?: number }; Returns: number
                           },
"sweep_journal":
{ Args: { "keep_days"?: number,"max_events"?: number }; Returns: number
                           },
"sweep_media":
{ Args: { "max_files"?: number }; Returns: number
                           },
"sweep_media_retention":
{ Args: { "max_files"?: number }; Returns: number
                           },
"sweep_migration":
{ Args: { "connection_id": string,"max_conversations"?: number }; Returns: number
                           },
"sweep_outbound":
{ Args: { "uncertain_seconds"?: number }; Returns: number
                           },
"sweep_workspaces":
{ Args: { "max_rows"?: number }; Returns: number
                           },
"unarchive_conversation":
{ Args: { "conversation_id": string }; Returns: undefined
                           },
"unlink_contact_from_conversation":
{ Args: { "conversation_id": string }; Returns: undefined
                           },
"verify_inbound":
{ Args: { "connection_id": string,"facts": Json,"messages": Json,"since": string,"statuses": Json }; Returns: Json
                           },
"verify_media":
{ Args: { "after": string,"max_rows": number,"workspace_id"?: string }; Returns: Json
                           },
"verify_media_objects":
{ Args: { "after": string,"max_rows": number,"workspace_id"?: string }; Returns: Json
                           },
"verify_stats":
{ Args: { "after": string,"connection_id": string,"max_conversations"?: number }; Returns: Json
                           }
          }
          Enums: {
            [_ in never]: never
          }
          CompositeTypes: {
            "conversation_details": {
                        "id": string | null,"workspace_id": string | null,"connection_id": string | null,"phone_number_id": string | null,"phone": string | null,"bsuid": string | null,"group_id": string | null,"title": string | null,"contact": Json | null,"status": string | null,"is_read": boolean | null,"unread_count": number | null,"assigned_to": string | null,"last_message_at": string | null,"last_message_preview": string | null,"last_message_direction": string | null,"last_customer_message_at": string | null,"window_expires_at": string | null,"is_window_open": boolean | null,"window_seconds_left": number | null,"cursor": string | null,"connection": Json | null
                      },"conversation_list_item": {
                        "id": string | null,"workspace_id": string | null,"connection_id": string | null,"phone_number_id": string | null,"phone": string | null,"bsuid": string | null,"group_id": string | null,"title": string | null,"contact": Json | null,"status": string | null,"is_read": boolean | null,"unread_count": number | null,"assigned_to": string | null,"last_message_at": string | null,"last_message_preview": string | null,"last_message_direction": string | null,"last_customer_message_at": string | null,"window_expires_at": string | null,"is_window_open": boolean | null,"window_seconds_left": number | null,"cursor": string | null
                      },"conversation_message": {
                        "id": string | null,"conversation_id": string | null,"direction": string | null,"type": string | null,"content": Json | null,"status": string | null,"error": Json | null,"occurred_at": string | null,"sent_at": string | null,"delivered_at": string | null,"read_at": string | null,"failed_at": string | null,"edited_at": string | null,"revoked_at": string | null,"sent_by": string | null,"client_reference": string | null,"media_status": string | null,"media_path": string | null,"media_mime_type": string | null,"media_size": number | null,"media_filename": string | null,"media_width": number | null,"media_height": number | null,"media_duration": number | null,"media_error": Json | null,"profile_name": string | null,"wamid": string | null,"reply_to_wamid": string | null,"reply_to": Json | null,"reactions": Json | null
                      }
          }
        }
}

type DatabaseWithoutInternals = Omit<Database, '__InternalSupabase'>

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">]

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
        DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? (DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"] &
      DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"])[TableName] extends {
      Row: infer R
    }
    ? R
    : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
  ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R
    }
    ? R
    : never
  : never

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Insert: infer I
    }
    ? I
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I
    }
    ? I
    : never
  : never

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends {
      Update: infer U
    }
    ? U
    : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
  ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U
    }
    ? U
    : never
  : never

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
  ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals
  }
    ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][CompositeTypeName]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
  ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never

export const Constants = {
  "public": {
          Enums: {
            
          }
        }
} as const
