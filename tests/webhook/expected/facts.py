"""Templates, accounts, numbers, and what changes no row."""

from __future__ import annotations

from tests.webhook.expected.rows import MOMENT, NOTICED, Row, contact, notice, outcome, template

FACTS: dict[str, Row] = {
    "account_alert": outcome(
        "account_alerts",
        notices={
            "account_alerts": notice(
                {
                    "entity_id": 106540352242922,
                    "alert_info": {
                        "alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED",
                        "alert_status": "ACTIVE",
                        "alert_severity": "WARNING",
                        "alert_description": "Not yet",
                    },
                    "entity_type": "PHONE_NUMBER",
                }
            )
        },
    ),
    "account_disabled": outcome(
        "account_update",
        notices={
            "account_update": notice(
                {
                    "event": "DISABLED_UPDATE",
                    "ban_info": {"waba_ban_date": "December 1, 2026", "waba_ban_state": "SCHEDULE_FOR_DISABLE"},
                }
            )
        },
    ),
    "account_offboarded": outcome(
        "account_update",
        notices={"account_update": notice({"event": "ACCOUNT_OFFBOARDED", "phone_number": "97235551234"})},
    ),
    "account_restricted": outcome(
        "account_update",
        notices={
            "account_update": notice(
                {
                    "event": "ACCOUNT_RESTRICTION",
                    "violation_info": {"violation_type": "SPAM"},
                    "restriction_info": [
                        {"expiration": "1796724300", "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING"}
                    ],
                }
            )
        },
    ),
    "account_review": outcome(
        "account_review_update", notices={"account_review_update": notice({"decision": "APPROVED"})}
    ),
    "business_capability": outcome(
        "business_capability_update",
        notices={
            "business_capability_update": notice(
                {"max_phone_numbers_per_business": 25, "max_daily_conversations_per_business": 2000}
            )
        },
    ),
    "call_connect": outcome("calls"),
    "call_failed": outcome(
        "errors",
        "calls",
        notices={
            "errors": notice(
                {
                    "errors": [
                        {
                            "code": 138000,
                            "title": "Calling not enabled",
                            "message": "Calling not enabled",
                            "error_data": {"details": "Calling is not enabled for the number"},
                        }
                    ]
                },
                "received",
            )
        },
        last_error={"code": 138000, "title": "Calling not enabled", "details": "Calling is not enabled for the number"},
    ),
    "call_status": outcome("calls"),
    "call_terminate": outcome("calls"),
    "errors_without_number": outcome(
        "errors",
        notices={
            "errors": notice(
                {
                    "errors": [
                        {
                            "code": 131042,
                            "title": "Business eligibility payment issue",
                            "message": "Business eligibility payment issue",
                            "error_data": {"details": "The account has no valid payment method"},
                        }
                    ]
                }
            )
        },
        last_error={
            "code": 131042,
            "title": "Business eligibility payment issue",
            "details": "The account has no valid payment method",
        },
    ),
    "flow": outcome("flows"),
    "phone_number_name": outcome(
        "phone_number_name_update",
        notices={
            "phone_number_name_update": notice(
                {
                    "decision": "REJECTED",
                    "rejection_reason": "NAME_DOES_NOT_MATCH",
                    "display_phone_number": "97235551234",
                    "requested_verified_name": "Cohen & Sons",
                }
            )
        },
    ),
    "phone_number_quality": outcome(
        "phone_number_quality_update",
        notices={
            "phone_number_quality_update": notice(
                {
                    "event": "ONBOARDING",
                    "current_limit": "TIER_250",
                    "display_phone_number": "97235551234",
                    "max_daily_conversations_per_business": "TIER_2K",
                }
            )
        },
    ),
    "security": outcome("security"),
    "template_category_changed": outcome(
        "template_category_update", templates=[template(category="MARKETING", as_of={"category": NOTICED})]
    ),
    "template_category_upcoming": outcome(
        "template_category_update", templates=[template(category="UTILITY", as_of={"category": NOTICED})]
    ),
    "template_components": outcome(
        "message_template_components_update",
        templates=[
            template(
                components=[
                    {"text": "Your order", "type": "HEADER", "format": "TEXT"},
                    {"text": "Order {{1}} is ready", "type": "BODY"},
                    {"text": "Cohen & Sons", "type": "FOOTER"},
                    {
                        "type": "BUTTONS",
                        "buttons": [
                            {"url": "https://example.com/{{1}}", "text": "Track", "type": "URL"},
                            {"text": "Call", "type": "PHONE_NUMBER", "phone_number": "+97235551234"},
                        ],
                    },
                ],
                as_of={"components": NOTICED},
            )
        ],
    ),
    "template_disabled": outcome(
        "message_template_status_update",
        templates=[template(status="DISABLED", reason="NONE", as_of={"status": NOTICED})],
    ),
    "template_paused": outcome(
        "message_template_status_update", templates=[template(status="PAUSED", as_of={"status": NOTICED})]
    ),
    "template_quality": outcome(
        "message_template_quality_update", templates=[template(quality="YELLOW", as_of={"quality": NOTICED})]
    ),
    "template_quality_misnamed": outcome(
        "message_template_status_update", templates=[template(quality="YELLOW", as_of={"quality": NOTICED})]
    ),
    "template_rejected": outcome(
        "message_template_status_update",
        templates=[
            template(
                status="REJECTED",
                reason="TAG_CONTENT_MISMATCH",
                category="UTILITY",
                as_of={"status": NOTICED, "category": NOTICED},
            )
        ],
    ),
    "template_update": outcome(
        "message_template_status_update",
        templates=[template(status="APPROVED", reason="NONE", as_of={"status": "received"})],
    ),
    "user_preferences_resume": outcome(
        "user_preferences", contacts=[contact(phone=None, marketing_preference_at="2026-11-08T10:01:40+00:00")]
    ),
    "user_preferences_stop": outcome(
        "user_preferences", contacts=[contact(marketing_opted_out_at=MOMENT, marketing_preference_at=MOMENT)]
    ),
    "value_errors": outcome(
        "errors",
        notices={
            "errors": notice(
                {
                    "errors": [
                        {
                            "code": 130429,
                            "title": "Rate limit hit",
                            "message": "Rate limit hit",
                            "error_data": {"details": "too many"},
                        }
                    ]
                },
                "received",
            )
        },
        last_error={"code": 130429, "title": "Rate limit hit", "details": "too many"},
    ),
}
