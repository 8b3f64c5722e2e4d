// Package notify is how people are reached: the customer with the link, reminders, new links and a confirmation,
// operations when something needs them. There are two channels: e-mail by SMTP, and a signed webhook to a service that
// sends SMS or push messages.
//
// A [Sender] takes an onboarding.Message, renders it in the customer's language (English where that is unknown) and hands
// it over. A nil error means that the next mail server, or the service, has taken responsibility, not that anybody has read
// it. Sending the same message again gives it the same Message-ID or webhook-id, by which a repeat is recognised.
//
// The words are templates; docs/messages.md tells how to write others. Customers are told the reasons in the table of
// contract 3.3 that a new attempt can mend. Every other reason, critical or unknown, gives exactly the message that no
// reason gives: anything else would be tipping off. Templates are given no reason but the words for one of that list.
//
// Errors and their texts hold only codes: mail servers quote addresses in their replies.
package notify
