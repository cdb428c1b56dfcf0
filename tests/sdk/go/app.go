// A client by RocketMQ 5's SDK for Go: app ENDPOINTS KIND GROUP TOPIC, until a line
// on stdin or SIGTERM. KIND is producer, simple or push. Prints `started` and
// `stopped`.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	rmq "github.com/apache/rocketmq-clients/golang/v5"
	"github.com/apache/rocketmq-clients/golang/v5/credentials"
)

type client interface {
	Start() error
	GracefulStop() error
}

func create(endpoints, kind, group, topic string) (client, error) {
	rmq.EnableSsl = false // Before the first client.
	config := &rmq.Config{Endpoint: endpoints, ConsumerGroup: group, Credentials: &credentials.SessionCredentials{}}
	switch kind {
	case "push":
		return rmq.NewPushConsumer(config,
			rmq.WithPushSubscriptionExpressions(map[string]*rmq.FilterExpression{topic: rmq.NewFilterExpression("tagA || tagB")}),
			rmq.WithPushMessageListener(&rmq.FuncMessageListener{
				Consume: func(*rmq.MessageView) rmq.ConsumerResult { return rmq.SUCCESS }}))
	case "simple":
		return rmq.NewSimpleConsumer(config, rmq.WithSimpleAwaitDuration(5*time.Second),
			rmq.WithSimpleSubscriptionExpressions(map[string]*rmq.FilterExpression{topic: rmq.SUB_ALL}))
	}
	return rmq.NewProducer(config, rmq.WithTopics(topic))
}

func main() {
	client, err := create(os.Args[1], os.Args[2], os.Args[3], os.Args[4])
	if err == nil {
		err = client.Start()
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("started")
	stop := make(chan os.Signal, 2)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		stop <- syscall.SIGTERM
	}()
	<-stop
	if err := client.GracefulStop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("stopped")
}
